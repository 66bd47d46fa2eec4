"""`catalog-cleaner review`: load reviewers' decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from functools import reduce
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.command import Command, as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.console.wording import UNUSED_ROWS, agree
from jobs.ingestion.copies import open_copies
from jobs.ingestion.deliveries import check_count, read_files, reported_read_errors, text_settings
from jobs.ingestion.files import find_files, refuse_missing
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.rows import MALFORMED
from jobs.ingestion.steps.decisions import latest_publications, read_decisions, validate_decisions
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publications import ERASE, Publication, find_publication, publications
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
        help="Parquet, CSV or JSON lines file with the columns listing_id, decision, reviewer and decided_at, and "
        "category for the decision set_category.",
    ),
]

app = typer.Typer(help="Load reviewers' decisions.", no_args_is_help=True)


@app.callback()
def review() -> None:
    """Load reviewers' decisions."""


def apply(job: Job, file: FileArgument) -> Summary:
    """Load reviewers' decisions from a file.

    The next nightly run applies them, and the next training learns from them. A decision that is loaded twice counts
    once. Missing values are filled in from the latest publication at decided_at. Rows that cannot be used are written
    to the table quarantine with the reasons.

    Exit codes: 0 success; 1 failure; 2 invalid usage, settings or file.
    """
    refuse_missing(job, file)
    job.require_listings()
    warehouse = job.warehouse
    with run_context(job, job.started_at.date()) as run, ExitStack() as at_end:
        files = find_files(job.spark, file)
        copies = at_end.enter_context(open_copies(warehouse, f"{run.run_id}-files"))
        form = text_settings("review.files", job.settings.review.files, {"listing_id"})
        rows = read_files(job.spark, files, form, copies)
        with reported_read_errors(file):
            suppressions = read_suppressions(warehouse, job.settings.privacy)
            read = rows.read(lambda frame: read_decisions(frame, MALFORMED))
            staged = warehouse.stage(f"{run.run_id}-delivered", suppressions.blank(read))
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")
        check_count(files, rows.counted, staged.count())
        delivered, suppressed = split_suppressed(staged)
        published = _published(warehouse)
        seen, decisions = _reviewed_listings(warehouse, delivered, published)
        now = max(job.started_at, dt.datetime.combine(published[-1].run_date, dt.time(), dt.UTC))
        validated = cached(validate_decisions(decisions, seen, warehouse.read(TAXONOMY), now), at_end)
        usable = validated.where(F.size("reasons") == 0).dropDuplicates(["decision_id"])
        known = warehouse.read(REVIEW_DECISIONS).select("decision_id")
        new = cached(usable.join(known, "decision_id", "left_anti"), at_end)
        run.counts |= _account(validated, usable.count(), new.count(), suppressed)
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), validated)
        # Counted before they are stored: Spark computes what it has cached of a table again when the table changes, and
        # then no decision is new.
        summary = _summary(run, file, validated, new)
        warehouse.append(REVIEW_DECISIONS, new)
        return summary


def _published(warehouse: Warehouse) -> list[Publication]:
    """All publications, latest last.

    Raises:
        UsageError: there are none.
    """
    published = publications(warehouse)
    if not published:
        raise UsageError(
            f"nothing has been published in {warehouse.location} yet, so there is nothing to review: run "
            "`catalog-cleaner nightly` first."
        )
    return published


def _reviewed_listings(
    warehouse: Warehouse, delivered: DataFrame, published: Sequence[Publication]
) -> tuple[DataFrame, DataFrame]:
    """Find the publication that each reviewer saw.

    Returns:
        The listings of these publications; and the decisions with `reviewed_run_id`, the publication's run_id.
    """
    day = F.to_date("decided_at")
    days = [row.day for row in delivered.select(day.alias("day")).where("day IS NOT NULL").distinct().collect()]
    runs = latest_publications(days, [(_seen_since(run), run.finished_at.date(), run.run_id) for run in published])
    run_of_day = warehouse.spark.createDataFrame(sorted(runs.items()), "day DATE, reviewed_run_id STRING")
    decisions = delivered.withColumn("day", day).join(F.broadcast(run_of_day), "day", "left").drop("day")
    # If no decision refers to a publication, any publication provides the columns.
    run_ids = sorted(set(runs.values())) or [published[-1].run_id]
    return reduce(DataFrame.unionByName, [_published_listings(warehouse, run_id) for run_id in run_ids]), decisions


def _seen_since(run: Publication) -> dt.date:
    """Since when reviewers may have seen the state of a publication: that of an erasure replaces all before it."""
    return dt.date.min if run.job == ERASE else run.run_date


def _published_listings(warehouse: Warehouse, run_id: str) -> DataFrame:
    """The listings of a publication with the columns that decisions refer to, prefixed with `seen_`."""
    publication = find_publication(warehouse, run_id)
    clean = warehouse.read(CLEAN_LISTINGS, publication.version(CLEAN_LISTINGS))
    items = warehouse.read(FLAGGED_ITEMS, publication.version(FLAGGED_ITEMS)).select("listing_id", "audit_chance")
    listings = clean.join(items, "listing_id", "left")
    columns = ("content_hash", "category", "best_category", "effective_category", "category_source", "audit_chance")
    return listings.select(
        F.lit(run_id).alias("reviewed_run_id"), "listing_id", *(F.col(name).alias(f"seen_{name}") for name in columns)
    )


def _account(validated: DataFrame, usable: int, new: int, suppressed: int) -> dict[str, int]:
    """The row account. If a file repeats a decision, all but one of these rows count as superseded.

    Raises:
        FailedError: rows were lost or duplicated.
    """
    rows = validated.agg(
        F.count(F.lit(1)).alias("all"),
        F.count_if(F.size("reasons") > 0).alias("bad"),
        F.count_distinct("row_number").alias("distinct"),
    )
    total, bad, distinct = rows.collect()[0]
    return row_account(
        distinct + suppressed,
        current=new,
        superseded=total - bad - usable,
        unchanged=usable - new,
        quarantined=bad,
        suppressed=suppressed,
    )


def _summary(run: RunContext, file: str, validated: DataFrame, new: DataFrame) -> Summary:
    by_decision = new.groupBy("decision").agg(F.count(F.lit(1)), F.count("audit_chance")).orderBy("decision").collect()
    quarantined = validated.select(F.explode("reasons").alias("reason"))
    reasons = quarantined.groupBy("reason").count().orderBy("reason").collect()
    location = run.job.warehouse.location
    hints = [
        f"The next nightly run applies them:  catalog-cleaner nightly --run-date YYYY-MM-DD --warehouse {location}"
    ]
    if bad := run.counts["rows_quarantined"]:
        hints.insert(0, agree(UNUSED_ROWS, bad))
    return Summary(
        "Decisions loaded",
        {"run_id": run.run_id, "file": file, **run.counts},
        (
            Section("decisions", ("decision", "rows", "of the audit"), [tuple(row) for row in by_decision]),
            Section("quarantined", ("reason", "rows"), [tuple(row) for row in reasons]),
        ),
        tuple(hints),
    )


app.command("apply", cls=Command)(as_command("review", apply))

if __name__ == "__main__":
    app()
