"""`catalog-cleaner fetch-pictures`: fetch the pictures that are at http and https addresses."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.fetching.fetching import Fetched, fetch_pictures, waiting_hosts
from jobs.fetching.picture_folder import PictureFolder
from jobs.fetching.tidying import forget_outdated_features, forget_unnamed
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.fetched import fetched_folder
from schemas.errors import UsageError
from schemas.reasons import ImageStatus

_SHOWN = 10
"""Number of hosts that are shown."""

LimitOption = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Fetch at most this many pictures; default: all.")
]


def fetch(job: Job, limit: LimitOption = None) -> Summary:
    """Fetch pictures from web servers.

    Fetches the pictures of listings that are at http and https addresses, and keeps them in a folder, from which the
    other commands read them. Only the hosts in fetch.hosts are asked. A picture that has been fetched is not asked for
    again; one that could not be fetched is, after fetch.retry_hours. An interrupted run keeps what it has fetched, and
    the next one continues.

    Exit codes: 0 success, also if some pictures could not be fetched; 1 failure; 2 invalid usage or settings.
    """
    job.require_listings()
    folder = PictureFolder(fetched_folder(job.address, job.settings))
    if not job.settings.fetch.hosts:
        raise UsageError(_without_hosts(job))
    with run_context(job, job.started_at.date(), exclusive=False) as run:
        found = fetch_pictures(run, folder, limit)
        with run.lock():
            removed = forget_unnamed(job.warehouse, [folder])
            again = forget_outdated_features(job.warehouse)
        of_status = {status.value: 0 for status in (ImageStatus.OK, *_FAILURES)}
        for (status, _), count in found.statuses.items():
            of_status[status] += count
        run.counts = {
            "pictures_waiting": found.waiting,
            "pictures_fetched": of_status.pop(ImageStatus.OK.value),
            "megabytes_fetched": round(found.bytes / 1e6),
            **{f"pictures_{status}": count for status, count in of_status.items()},
            "pictures_of_other_hosts": found.refused.total(),
            "pictures_left": found.waiting - found.asked - found.refused.total(),
            "pictures_removed": removed,
            "vectors_outdated": again,
        }
        return _summary(run.run_id, run.counts, found)


_FAILURES = (
    ImageStatus.NOT_FOUND,
    ImageStatus.MISSING,
    ImageStatus.TOO_LARGE,
    ImageStatus.NOT_ALLOWED,
    ImageStatus.UNREADABLE,
)


def _without_hosts(job: Job) -> str:
    hosts = waiting_hosts(job.warehouse, job.started_at)
    if not hosts:
        return "fetch.hosts names no host that may be asked, and no picture is waiting to be fetched."
    names = [name.removesuffix(":80").removesuffix(":443") for name, _ in hosts.most_common(_SHOWN) if name]
    return (
        f"fetch.hosts names no host that may be asked. Pictures are waiting at {_most_frequent(hosts)}. Allow hosts "
        f"that you trust: --set 'fetch.hosts=[{', '.join(dict.fromkeys(names))}]'"
    )


def _most_frequent(hosts: Counter[str]) -> str:
    return ", ".join(f"{name or 'no valid address'} ({count:,})" for name, count in hosts.most_common(_SHOWN))


def _summary(run_id: str, counts: dict[str, int], found: Fetched) -> Summary:
    failed = [(host, status, problem, count) for (host, status, problem), count in found.failed.most_common(_SHOWN)]
    hints = []
    if found.refused:
        hosts = _most_frequent(found.refused)
        hints.append(f"Pictures at hosts that fetch.hosts does not name were not fetched: {hosts}.")
    if found.down:
        hints.append(f"These hosts do not work and were left alone, the next run tries again: {', '.join(found.down)}.")
    inner = list(dict.fromkeys(host for host, _, problem in found.failed if problem == "inner_address"))
    if inner:
        hints.append(
            "These hosts have addresses that are not public, or redirect to such (inner_address): "
            f"{', '.join(inner[:_SHOWN])}. If they are servers of your own, allow their network (docs/pictures.md): "
            "--set 'fetch.networks=[NETWORK]'"
        )
    if any(problem == "host" for _, _, problem in found.failed):
        hints.append("Some servers redirect to hosts that fetch.hosts does not name.")
    if counts["pictures_fetched"]:
        hints.append("`encode`, `train` and `nightly` read the pictures that are there now.")
    return Summary(
        "Pictures fetched",
        {"run_id": run_id, **counts},
        (Section("without a picture", ("host", "status", "problem", "pictures"), failed, key="failed"),),
        tuple(hints),
        hidden_if_zero=tuple(name for name in counts if name not in ("pictures_waiting", "pictures_fetched")),
    )


main = as_command("fetch-pictures", fetch)

if __name__ == "__main__":
    run_command(main)
