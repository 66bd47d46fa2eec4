"""`catalog-cleaner review`: load what reviewers have decided."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.ingestion.deliveries import MALFORMED, find_files, read_files, readable
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.steps.decisions import judge_decisions, looked_at, read_decisions
from jobs.lifecycle.publications import find_publication, publications
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.row_account import row_account
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.warehouse.caches import cached
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import CLEAN_LISTINGS, FLAGGED_ITEMS, REVIEW_DECISIONS, TAXONOMY

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Parquet, CSV or JSON lines with listing_id, decision, reviewer, decided_at; category for set_category.",
    ),
]

app = typer.Typer(help="Load what reviewers have decided.", no_args_is_help=True)


@app.callback()
def review() -> None:
    """Load what reviewers have decided."""


def apply(job: Job, file: FileArgument) -> Summary:
    """Load reviewers' decisions.

    The next nightly run follows them, and the next training learns from them. A decision that is loaded twice counts
    once. Missing values are filled in from the publication that the reviewer saw, the latest one at decided_at. Rows
    that cannot be used go to the table quarantine, with the reasons.

    Exit codes: 0 done, 1 failed, 2 wrong usage or an unreadable file.
    """
    warehouse = job.warehouse
    with run_context(job, job.started_at.date()) as run, ExitStack() as at_end:
        files = find_files(job.spark, file)
        rows = read_files(job.spark, files, job.settings.ingest.csv_delimiter)
        with readable(file):
            delivered = warehouse.stage(f"{run.run_id}-delivered", read_decisions(rows, MALFORMED))
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")
        shown, dated = _shown(warehouse, delivered)
        judged = cached(judge_decisions(dated, shown, warehouse.read(TAXONOMY)), at_end)
        usable = judged.where(F.size("reasons") == 0).dropDuplicates(["decision_id"])
        known = warehouse.read(REVIEW_DECISIONS).select("decision_id")
        new = cached(usable.join(known, "decision_id", "left_anti"), at_end)
        run.counts |= _account(judged, usable.count(), new.count())
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), judged)
        warehouse.append(REVIEW_DECISIONS, new)
        return _summary(run, file, judged, new)


def _shown(warehouse: Warehouse, delivered: DataFrame) -> tuple[DataFrame, DataFrame]:
    """What the reviewers saw, and the decisions with the run_id of the publication that they saw.

    Raises:
        UsageError: nothing has been published yet.
    """
    published = [(row.run_date, row.finished_at.date(), row.run_id) for row in publications(warehouse)]
    if not published:
        raise UsageError(
            f"{warehouse.location} has no publication yet that reviewers could have seen: run `nightly` first."
        )
    day = F.to_date("decided_at")
    days = [row.day for row in delivered.select(day.alias("day")).where("day IS NOT NULL").distinct().collect()]
    runs = looked_at(days, published)
    of_day = warehouse.spark.createDataFrame(sorted(runs.items()), "day DATE, looked_at STRING")
    dated = delivered.withColumn("day", day).join(F.broadcast(of_day), "day", "left").drop("day")
    # If no decision refers to a publication, any publication gives the columns.
    wanted = sorted(set(runs.values())) or [published[-1][-1]]
    shown = [_published_listings(warehouse, run_id) for run_id in wanted]
    together = shown[0]
    for more in shown[1:]:
        together = together.unionByName(more)
    return together, dated


def _published_listings(warehouse: Warehouse, run_id: str) -> DataFrame:
    """What a reviewer saw of each listing in a publication."""
    of = find_publication(warehouse, run_id)
    clean = warehouse.read(CLEAN_LISTINGS, of.version(CLEAN_LISTINGS))
    drawn = warehouse.read(FLAGGED_ITEMS, of.version(FLAGGED_ITEMS)).select("listing_id", "audit_chance")
    seen = clean.join(drawn, "listing_id", "left")
    columns = ("content_hash", "category", "best_category", "audit_chance")
    return seen.select(
        F.lit(run_id).alias("looked_at"), "listing_id", *(F.col(name).alias(f"seen_{name}") for name in columns)
    )


def _account(judged: DataFrame, usable: int, new: int) -> dict[str, int]:
    """The row account; of equal decisions in one file all but one count as superseded.

    Raises:
        FailedError: rows were lost or doubled.
    """
    rows = judged.agg(
        F.count(F.lit(1)).alias("all"),
        F.count_if(F.size("reasons") > 0).alias("bad"),
        F.count_distinct("row_number").alias("numbers"),
    )
    everything, bad, numbers = rows.collect()[0]
    superseded = everything - bad - usable
    return row_account(numbers, current=new, superseded=superseded, unchanged=usable - new, quarantined=bad)


def _summary(run: RunContext, file: str, judged: DataFrame, new: DataFrame) -> Summary:
    by_decision = new.groupBy("decision").agg(F.count(F.lit(1)), F.count("audit_chance")).orderBy("decision").collect()
    reasons = judged.select(F.explode("reasons").alias("reason")).groupBy("reason").count().orderBy("reason").collect()
    hints = [
        f"They take effect in the next nightly run:  catalog-cleaner nightly --warehouse {run.job.warehouse.location}"
    ]
    if run.counts["rows_quarantined"]:
        hints.insert(0, f"{run.counts['rows_quarantined']:,} rows could not be used; they are in the table quarantine.")
    return Summary(
        "Decisions loaded",
        {"run_id": run.run_id, "file": file, **run.counts},
        (
            Section("decisions", ("decision", "rows", "of the audit"), [tuple(row) for row in by_decision]),
            Section("quarantined", ("reason", "rows"), [tuple(row) for row in reasons]),
        ),
        tuple(hints),
    )


app.command("apply")(as_command("review", apply))

if __name__ == "__main__":
    app()
