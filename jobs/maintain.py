"""`catalog-cleaner maintain`: keep a warehouse small and fast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.maintenance.leftovers import delete_predictions, remove_archives
from jobs.maintenance.needs import Needs, find_needs
from jobs.maintenance.tending import Tended, tend
from schemas.tables import TABLES

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Change nothing; print what would be removed.")]


def maintain(job: Job, dry_run: DryRunOption = False) -> Summary:
    """Keep the warehouse small and fast: remove what is no longer read, and join small files.

    Publications of the last maintain.keep_days (90) days stay readable, the newest one and the one before it always. So
    do the versions that unfinished backfills and dates that are not published yet read. Files of other versions,
    predictions of models that are out of use and staged archives are removed. Run it weekly. An interrupted run can be
    repeated.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    job.require_listings()
    warehouse = job.warehouse
    with run_context(job, job.started_at.date(), dry_run) as run:
        since = job.started_at - dt.timedelta(days=job.settings.maintain.keep_days)
        needs = find_needs(warehouse, since)
        job.print_progress(f"{len(needs.publications):,} of {needs.known:,} publications stay readable")
        predictions = delete_predictions(run, needs, dry_run=dry_run)
        archives = remove_archives(run, needs, dry_run=dry_run)
        tended = [
            tend(job, table, needs.versions.get(table.name, ()), dry_run=dry_run)
            for table in TABLES.values()
            if warehouse.exists(table)
        ]
        run.counts = {
            "predictions_deleted": predictions,
            "archives_removed": archives,
            "files_removed": sum(each.files_removed for each in tended),
            "bytes_removed": sum(each.bytes_removed or 0 for each in tended),
            "tables_compacted": sum(each.compacted for each in tended),
        }
        return _summary(run, needs, tended, dry_run)


def oldest_readable(kept: Sequence[Publication], tended: Sequence[Tended]) -> str | None:
    """The run id of the first of the kept publications of which the log has all versions; None if there is none."""
    lost = {each.name: set(each.retention.lost) for each in tended}
    return next(
        (
            run.run_id
            for run in kept
            if not any(version in lost.get(name, ()) for name, version in run.published_versions.items())
        ),
        None,
    )


def _summary(run: RunContext, needs: Needs, tended: Sequence[Tended], dry_run: bool) -> Summary:
    location, counts = run.job.warehouse.location, dict(run.counts)
    if dry_run:
        del counts["bytes_removed"]
    facts: dict[str, object] = {
        "run_id": run.run_id,
        "publications_known": needs.known,
        "publications_kept": len(needs.publications),
        "oldest_readable": oldest_readable(needs.publications, tended),
        **counts,
    }
    rows = [
        (
            each.name,
            len(each.retention.versions),
            each.before and each.before.files,
            each.after and each.after.files,
            each.before and each.before.bytes,
            each.after and each.after.bytes,
            each.files_removed,
        )
        for each in tended
    ]
    columns = ("table", "versions_kept", "files", "files_after", "bytes", "bytes_after", "files_removed")
    shown = ("table", "versions_kept", "files", "bytes", "files_removed") if dry_run else columns[:-1]
    notes = [(each.name, note) for each in tended for note in _notes(each, dry_run)]
    return Summary(
        f"Dry run, nothing changed: what a run would remove in {location}" if dry_run else f"Maintained {location}",
        facts,
        (
            Section("tables", columns, rows, shown=shown),
            Section("notes", ("table", "note"), notes),
        ),
        hidden_if_zero=("predictions_deleted", "archives_removed", "tables_compacted"),
    )


def _notes(tended: Tended, dry_run: bool) -> list[str]:
    notes = []
    if tended.compacted:
        notes.append("small files would be joined" if dry_run else "small files were joined")
    if tended.retention.lost:
        lost = ", ".join(map(str, tended.retention.lost))
        notes.append(f"its log no longer has the versions {lost}, which publications to keep have read or written")
    if tended.retention.waits_for is not None:
        notes.append(
            f"no files removed yet: Delta does not know which files were removed before "
            f"{tended.retention.waits_for:%Y-%m-%d}, and a version from before is still needed"
        )
    if tended.before is None:
        notes.append("its folder cannot be listed, so its size is unknown")
    return notes


main = as_command("maintain", maintain)

if __name__ == "__main__":
    run_command(main)
