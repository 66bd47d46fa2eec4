"""`catalog-cleaner runs`: list the runs, what they read and how they ended."""

from __future__ import annotations

from typing import Annotated

import typer
from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.lifecycle.publications import publications
from jobs.lifecycle.reverts import reverted_by
from jobs.lifecycle.starts import Start, find_starts
from schemas.tables import RUNS

LimitOption = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Maximum number of runs to show.")]

_COUNTS = (
    "rows_in",
    "rows_current",
    "corrected",
    "referred",
    "flagged",
    "changed",
    "withheld",
    "rows_quarantined",
    "encoded",
    "copied",
    "files_removed",
    "bytes_removed",
)
_COLUMNS = ("run_id", "status", "finished_at", "took", "model", "base", "counts", "message")


def runs(job: Job, limit: LimitOption = 20) -> Summary:
    """List the runs, newest first.

    Shows status, model, base run, counts, and why a run failed or by which run it was taken back. Includes runs that
    are in progress or were killed.
    """
    stored = job.warehouse.read(RUNS)
    newest = stored.orderBy(F.col("finished_at").desc()).limit(limit).collect()
    ended = {row.run_id for row in newest}
    taken_back = reverted_by(publications(job.warehouse))
    unfinished = [_unfinished(start) for start in find_starts(job.warehouse.folder) if start.run_id not in ended]
    rows = (unfinished + [_ended(row, taken_back.get(row.run_id)) for row in newest])[:limit]
    # Three tables, because each fits a terminal with 80 columns; the JSON object has one.
    sections = (
        Section("runs", _COLUMNS, rows, shown=("run_id", "status", "finished_at", "took", "model")),
        _single_column("counts", rows),
        _single_column("message", rows),
    )
    return Summary(
        f"Runs in {job.warehouse.location}",
        {"runs_known": stored.count() + len(unfinished), "shown": len(rows)},
        sections,
        () if rows else ("There are no runs yet. Start with `catalog-cleaner ingest`.",),
    )


def _ended(row: Row, reverted: str | None) -> tuple[object, ...]:
    """The row of a run that has ended; `reverted`: the run that took it back."""
    message = f"taken back by {reverted}" if reverted else row.message
    if row.ended_by is not None:
        message = f"ended by {row.ended_by}: it held what was erased, and can no longer be read"
    return (
        row.run_id,
        "ended" if row.ended_by is not None else "reverted" if reverted else row.status,
        f"{row.finished_at:%Y-%m-%d %H:%M}",
        # Of a killed run, finished_at is when the next job found it.
        None if row.status == "interrupted" else f"{(row.finished_at - row.started_at).total_seconds():.0f} s",
        row.model_version,
        row.base_run_id,
        ", ".join(f"{name} {row.counts[name]:,}" for name in _COUNTS if name in (row.counts or {})),
        message.splitlines()[0] if message else None,
    )


def _unfinished(start: Start) -> tuple[object, ...]:
    status = "running" if start.alive else "interrupted"
    return (start.run_id, status, None, None, None, None, "", start.message)


def _single_column(column: str, rows: list[tuple[object, ...]]) -> Section:
    """One column of the runs that have a value in it, as a table that is not in the JSON object."""
    i = _COLUMNS.index(column)
    return Section(f"{column} by run", ("run_id", column), [(row[0], row[i]) for row in rows if row[i]], key="")


main = as_command("runs", runs)

if __name__ == "__main__":
    run_command(main)
