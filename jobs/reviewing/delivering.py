"""Writes the page's answers into the table review_decisions, as `review apply` writes a file's."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from pyspark.sql import DataFrame

from jobs.console.job import Job
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.steps.decisions import OPTIONAL, REQUIRED
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import run_context
from jobs.reviewing.database import ANSWERS, Row, Store
from jobs.reviewing.filling import all_publications, latest_time, runs_of_days, seen_listings, validate
from jobs.reviewing.outgoing import mark_written, take_answers, waiting_answers
from jobs.reviewing.place import held_store, known_store
from jobs.warehouse.caches import cached
from schemas.errors import CleanerError, HeldError
from schemas.tables import REVIEW_DECISIONS

_TEXTS = (*(name for name in REQUIRED if name != "decided_at"), *OPTIONAL)
_SCHEMA = (
    ", ".join(f"{name} STRING" for name in _TEXTS)
    + ", decided_at TIMESTAMP, raw STRING, malformed BOOLEAN, row_number BIGINT, reviewed_run_id STRING"
)


def write_answers(job: Job, store: Store) -> dict[str, int]:
    """Write the answers that wait, in batches; each batch is a run.

    Everything is computed before the lock is taken, which is then held for a few seconds. If another job holds it, this
    one does not wait: the answers stay in the store, where they are safe, until the next call.

    Returns:
        `answers_written`, and `answers_refused`, the rows that went to quarantine.
    """
    counts = {"answers_written": 0, "answers_refused": 0}
    while rows := take_answers(store):
        try:
            written = _write_batch(job, rows)
        except HeldError as error:
            job.print_progress(f"the answers wait: {error}")
            break
        mark_written(store, rows)
        counts["answers_written"] += written["rows_current"]
        counts["answers_refused"] += written["rows_quarantined"]
    return counts


def deliver_before_night(job: Job) -> None:
    """Write the answers that were given before a night begins, so that it reads them.

    If that is not possible, the night goes on without them, says so, and the next one reads them.
    """
    folder = known_store(job.address, job.settings.review)
    if folder is None or not (folder / ANSWERS).is_file():
        return
    try:
        with held_store(folder):
            store = Store(folder)
            if waiting_answers(store):
                job.print_progress(f"writing the answers of the review page: {write_answers(job, store)}")
            store.close()
    except CleanerError as error:
        job.print_progress(f"the answers of the review page wait for the next night: {error}")


def _write_batch(job: Job, rows: Sequence[Row]) -> dict[str, int]:
    warehouse = job.warehouse
    published = all_publications(warehouse)
    with ExitStack() as at_end:
        suppressions = read_suppressions(warehouse, job.settings.privacy)
        staged = cached(suppressions.blank(_frame(job, rows, published)), at_end)
        delivered, suppressed = split_suppressed(staged)
        seen = seen_listings(warehouse, {_seen_run(row, published) or published[-1].run_id for row in rows})
        validated = validate(warehouse, delivered, seen, latest_time(job.started_at, published), suppressed, at_end)
        counts = validated.counts
        hasty = replace(job.settings, lock=replace(job.settings.lock, wait_seconds=0.0))
        with run_context(replace(job, name="review", settings=hasty), job.started_at.date()) as run:
            run.counts |= counts
            if counts["rows_quarantined"]:
                write_quarantine(warehouse, Slice(run.job.name, run.run_id, run.run_date), validated.rows)
            if counts["rows_current"]:
                warehouse.append(REVIEW_DECISIONS, validated.new)
        return counts


def _frame(job: Job, rows: Sequence[Row], published: Sequence[Publication]) -> DataFrame:
    values = [
        (
            *(row[name] for name in _TEXTS),
            dt.datetime.fromisoformat(row["decided_at"]),
            json.dumps({name: row[name] for name in (*_TEXTS, "decided_at")}),
            False,
            place,
            _seen_run(row, published),
        )
        for place, row in enumerate(rows)
    ]
    return job.spark.createDataFrame(values, _SCHEMA)


def _seen_run(row: Row, published: Sequence[Publication]) -> str | None:
    """The publication that the reviewer saw; if an erasure has ended it, the one that stands in its place."""
    if row["run_id"] in {run.run_id for run in published}:
        return str(row["run_id"])
    day = dt.datetime.fromisoformat(row["decided_at"]).date()
    return runs_of_days([day], published).get(day)
