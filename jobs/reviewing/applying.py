"""Loads reviewers' decisions from a file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.console.wording import UNUSED_ROWS, agree
from jobs.ingestion.copies import Copies, open_copies
from jobs.ingestion.deliveries import check_count, read_files, reported_read_errors, text_settings
from jobs.ingestion.files import Files, find_files, refuse_missing
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.rows import MALFORMED
from jobs.ingestion.steps.decisions import fill_in_answers, read_decisions, split_unanswered, without_guards
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.reviewing.filling import all_publications, latest_time, runs_of_days, seen_listings, validate
from jobs.reviewing.work_list_files import WORKBOOK, read_workbook
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import REVIEW_DECISIONS


def apply_file(job: Job, file: str, reviewer: str | None = None, decided_at: dt.datetime | None = None) -> Summary:
    """Load the decisions of a file; what `catalog-cleaner review apply` does.

    Args:
        job: the command's job.
        file: a path or URI.
        reviewer, decided_at: of the rows that do not name them.

    Raises:
        UsageError: the file cannot be used, or nothing has been published yet.
        FailedError: another job holds the warehouse.
    """
    workbook = _workbook(file)
    if workbook is None:
        refuse_missing(job, file)
    job.require_listings()
    warehouse = job.warehouse
    with run_context(job, job.started_at.date()) as run, ExitStack() as at_end:
        copies = at_end.enter_context(open_copies(warehouse, f"{run.run_id}-files"))
        files = find_files(job.spark, file) if workbook is None else _from_workbook(workbook, copies)
        form = text_settings("review.files", job.settings.review.files, {"listing_id"})
        rows = read_files(job.spark, files, form, copies)
        with reported_read_errors(file):
            suppressions = read_suppressions(warehouse, job.settings.privacy)
            read = rows.read(lambda frame: read_decisions(frame, MALFORMED))
            read = without_guards(read) if files.format == "csv" else read
            staged = warehouse.stage(f"{run.run_id}-delivered", suppressions.blank(read))
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")
        check_count(files, rows.counted, staged.count())
        answered, unanswered = split_unanswered(staged)
        run.counts["rows_not_answered"] = unanswered.count()
        delivered, suppressed = split_suppressed(fill_in_answers(answered, reviewer, decided_at))
        published = all_publications(warehouse)
        seen, decisions = _reviewed_listings(warehouse, delivered, published)
        validated = validate(warehouse, decisions, seen, latest_time(job.started_at, published), suppressed, at_end)
        run.counts |= validated.counts
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), validated.rows)
        # Counted before they are stored: Spark computes what it has cached of a table again when the table changes, and
        # then no decision is new.
        summary = _summary(run, file, validated.rows, validated.new)
        warehouse.append(REVIEW_DECISIONS, validated.new)
        return summary


def _workbook(file: str) -> Path | None:
    """The Excel workbook with this name; None if the name is that of another file.

    Raises:
        UsageError: it is not on this machine.
    """
    if not file.lower().endswith(WORKBOOK):
        return None
    path = Path(file.removeprefix("file://"))
    if not path.is_file():
        raise UsageError(f"{file}: an Excel workbook must be a file on this machine; copy it, or save it as .csv.")
    return path


def _from_workbook(path: Path, copies: Copies) -> Files:
    """The rows of an Excel workbook, as a file that Spark can read.

    Raises:
        UsageError: it cannot be read.
    """
    with copies.write("answers.jsonl") as (copy, out):
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in read_workbook(path))
    return Files(str(path), "json", (copy,))


def _reviewed_listings(
    warehouse: Warehouse, delivered: DataFrame, published: Sequence[Publication]
) -> tuple[DataFrame, DataFrame]:
    """Find the publication that each reviewer saw.

    Returns:
        The listings of these publications; and the decisions with `reviewed_run_id`, the publication's run_id.
    """
    day = F.to_date("decided_at")
    days = [row.day for row in delivered.select(day.alias("day")).where("day IS NOT NULL").distinct().collect()]
    runs = runs_of_days(days, published)
    run_of_day = warehouse.spark.createDataFrame(sorted(runs.items()), "day DATE, reviewed_run_id STRING")
    decisions = delivered.withColumn("day", day).join(F.broadcast(run_of_day), "day", "left").drop("day")
    # If no decision refers to a publication, any publication provides the columns.
    return seen_listings(warehouse, set(runs.values()) or {published[-1].run_id}), decisions


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
