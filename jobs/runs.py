"""`catalog-cleaner runs`: list what ran, when, on what, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer
from pyspark.sql import functions as F

from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from schemas.tables import RUNS

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many runs to show.")]

_SHOWN = ("rows_in", "rows_current", "corrected", "referred", "flagged", "rows_quarantined")


def runs(job: Job, limit: LimitOption = 20) -> Summary:
    """List the runs, the newest first.

    Shows status, model, the run it is based on, counts, and why a run failed.
    """
    stored = job.warehouse.read(RUNS)
    newest = stored.orderBy(F.col("finished_at").desc()).limit(limit).collect()
    rows = [
        (
            r.run_id,
            r.status,
            f"{r.finished_at:%Y-%m-%d %H:%M}",
            f"{(r.finished_at - r.started_at).total_seconds():.0f} s",
            r.model_version,
            r.base_run_id,
            ", ".join(f"{name} {r.counts[name]:,}" for name in _SHOWN if name in (r.counts or {})),
            (r.message or "").splitlines()[0] if r.message else None,
        )
        for r in newest
    ]
    columns = ("run_id", "status", "finished_at", "took", "model", "base", "counts", "message")
    return Summary(
        f"Runs in {job.warehouse.location}",
        {"runs": stored.count(), "shown": len(rows)},
        (Section("runs", columns, rows),),
        () if rows else ("Nothing has run here yet: start with `catalog-cleaner ingest`.",),
    )


main = as_command("runs", runs)

if __name__ == "__main__":
    typer.run(main)
