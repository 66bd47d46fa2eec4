"""`catalog-cleaner runs`: what ran, when, on what, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer
from pyspark.sql import functions as F

from jobs.console.job import open_job
from jobs.console.options import JsonOption, ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Section, Summary
from schemas.tables import RUNS

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")]

_SHOWN = ("rows_in", "rows_current", "corrected", "referred", "flagged", "rows_quarantined")


def main(
    warehouse: WarehouseOption,
    limit: LimitOption = 20,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs, the newest first: status, model, what they stood on, counts, and why one failed."""
    with open_job("runs", warehouse, profile, overrides, as_json) as job:
        runs = job.warehouse.read(RUNS)
        newest = runs.orderBy(F.col("finished_at").desc()).limit(limit).collect()
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
        job.finish(
            Summary(
                f"Runs in {job.warehouse.location}",
                {"runs": runs.count(), "shown": len(rows)},
                (Section("runs", columns, rows),),
                () if rows else ("nothing has run here yet: begin with `catalog-cleaner ingest`",),
            )
        )


if __name__ == "__main__":
    typer.run(main)
