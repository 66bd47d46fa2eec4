"""`catalog-cleaner runs`: list what ran, when, on what, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer
from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.lifecycle.starts import Start, find_starts
from schemas.tables import RUNS

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many runs to show.")]

_COUNTS = ("rows_in", "rows_current", "corrected", "referred", "flagged", "rows_quarantined")
_COLUMNS = ("run_id", "status", "finished_at", "took", "model", "base", "counts", "message")


def runs(job: Job, limit: LimitOption = 20) -> Summary:
    """List the runs, the newest first, also those that are running or were killed.

    Shows status, model, the run it is based on, counts, and why a run failed.
    """
    stored = job.warehouse.read(RUNS)
    newest = stored.orderBy(F.col("finished_at").desc()).limit(limit).collect()
    ended = {row.run_id for row in newest}
    unfinished = [_unfinished(start) for start in find_starts(job.warehouse.folder) if start.run_id not in ended]
    rows = (unfinished + [_ended(row) for row in newest])[:limit]
    # Three tables, so that each fits a terminal of 80 columns; as JSON they are one.
    sections = (
        Section("runs", _COLUMNS, rows, shown=("run_id", "status", "finished_at", "took", "model")),
        _part("counts", rows),
        _part("message", rows),
    )
    return Summary(
        f"Runs in {job.warehouse.location}",
        {"runs": stored.count() + len(unfinished), "shown": len(rows)},
        sections,
        () if rows else ("Nothing has run here yet: start with `catalog-cleaner ingest`.",),
    )


def _ended(row: Row) -> tuple[object, ...]:
    return (
        row.run_id,
        row.status,
        f"{row.finished_at:%Y-%m-%d %H:%M}",
        f"{(row.finished_at - row.started_at).total_seconds():.0f} s",
        row.model_version,
        row.base_run_id,
        ", ".join(f"{name} {row.counts[name]:,}" for name in _COUNTS if name in (row.counts or {})),
        row.message.splitlines()[0] if row.message else None,
    )


def _unfinished(start: Start) -> tuple[object, ...]:
    status = "running" if start.alive else "interrupted"
    return (start.run_id, status, None, None, None, None, "", start.message)


def _part(column: str, rows: list[tuple[object, ...]]) -> Section:
    """One column of the runs that have something in it, as a table that only people see."""
    place = _COLUMNS.index(column)
    return Section(f"{column} by run", ("run_id", column), [(row[0], row[place]) for row in rows if row[place]], key="")


main = as_command("runs", runs)

if __name__ == "__main__":
    typer.run(main)
