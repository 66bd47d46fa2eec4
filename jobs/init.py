"""`catalog-cleaner init`: write a commented profile for a delivery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import PresetOption
from jobs.console.summary import Summary
from jobs.console.target import check_target, written_atomically
from jobs.ingestion.files import refuse_missing
from jobs.ingestion.profiles import profile_text
from jobs.ingestion.samples import read_sample
from schemas.errors import UsageError

_EXAMPLE = "my.yaml"
_ENDINGS = (".yaml", ".yml")

DeliveryArgument = Annotated[
    str, typer.Argument(metavar="LISTINGS", help="Delivery as for ingest: a file, a folder of files or a Delta table.")
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help=f"Profile to write, such as {_EXAMPLE}.", show_default=False)
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
LaterWarehouseOption = Annotated[
    str,
    typer.Option("--warehouse", metavar="PATH", help="Warehouse that will be used later; nothing is written there."),
]


def init(
    job: Job,
    listings: DeliveryArgument,
    out: OutOption,
    force: ForceOption = False,
    preset: PresetOption = None,
    warehouse: LaterWarehouseOption = "warehouse",
) -> Summary:
    """Write a commented profile for a delivery, to be edited.

    Contains the mapping of columns that is set, found or proposed because names look alike, and the other settings
    of deliveries as comments. Settings given with --profile and --set are kept.
    """
    del preset  # it is in the settings
    if out.suffix not in _ENDINGS:
        raise UsageError(f"--out {out}: a profile is a file such as {out.with_suffix('.yaml')}.")
    check_target(out, "--out", _EXAMPLE)
    if out.exists() and not force:
        raise UsageError(f"--out {out}: exists; give another file, or replace it with --force.")
    refuse_missing(job, listings)
    job.print_progress(f"reading {listings}")
    with read_sample(job, listings, use_preset=True) as sample:
        text = profile_text(sample, job.settings, listings, str(out))
    with written_atomically(out) as file:
        file.write(text)
    proposed = sample.proposal.columns
    lacking = [each for each in sample.missing if each not in proposed]
    facts = {
        "profile": str(out),
        "delivery": listings,
        "preset": job.settings.ingest.preset or sample.proposal.preset,
        "columns_found": ", ".join(column for each in sample.columns for column in each.used_for) or None,
        "columns_proposed": ", ".join(f"{column} = {name}" for column, name in proposed.items()) or None,
        "columns_missing": ", ".join(lacking) or None,
    }
    return Summary(
        "Profile written",
        facts,
        hints=(
            *(["Check what is proposed: it is found by names only."] if proposed or sample.proposal.preset else []),
            f"Next:  catalog-cleaner ingest {listings} --profile {out} --dry-run",
            f"Then:  catalog-cleaner ingest {listings} --profile {out} --taxonomy FILE --warehouse {warehouse}",
            "If there is no taxonomy file:  --taxonomy-from-paths in its place",
        ),
    )


main = as_command("init", init)

if __name__ == "__main__":
    run_command(main)
