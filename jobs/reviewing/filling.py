"""Validates decisions, and fills in what they leave out from the publications that reviewers saw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.judged import judged_hashes
from jobs.ingestion.steps.decisions import latest_publications, validate_decisions
from jobs.lifecycle.publications import ERASE, Publication, find_publication, publications
from jobs.lifecycle.row_account import row_account
from jobs.warehouse.caches import cached
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import CLEAN_LISTINGS, FLAGGED_ITEMS, REVIEW_DECISIONS, TAXONOMY


@dataclass(frozen=True)
class Validated:
    """Decisions, and which of them can be used.

    Attributes:
        rows: the output of `validate_decisions`; cached.
        new: rows of review_decisions that the table lacks; cached.
        counts: the row account.
    """

    rows: DataFrame
    new: DataFrame
    counts: dict[str, int]


def validate(
    warehouse: Warehouse,
    decisions: DataFrame,
    seen: DataFrame,
    now: dt.datetime,
    suppressed: int,
    at_end: ExitStack,
) -> Validated:
    """Validate decisions, and find those that are not stored yet.

    Args:
        warehouse: the tables.
        decisions: as `delivered` of `validate_decisions`.
        seen: the output of `seen_listings`.
        now: the current time, UTC.
        suppressed: number of rows that were left out before.
        at_end: releases caches.

    Raises:
        FailedError: rows were lost or duplicated.
    """
    rows = cached(validate_decisions(decisions, seen, warehouse.read(TAXONOMY), now), at_end)
    usable = rows.where(F.size("reasons") == 0).dropDuplicates(["decision_id"])
    known = warehouse.read(REVIEW_DECISIONS).select("decision_id")
    new = cached(usable.join(known, "decision_id", "left_anti"), at_end)
    return Validated(rows, new, _account(rows, usable.count(), new.count(), suppressed))


def latest_time(started_at: dt.datetime, published: Sequence[Publication]) -> dt.datetime:
    """The current time or, if it is later, the date of the newest publication, UTC."""
    return max(started_at, dt.datetime.combine(published[-1].run_date, dt.time(), dt.UTC))


def all_publications(warehouse: Warehouse) -> list[Publication]:
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


def runs_of_days(days: Sequence[dt.date], published: Sequence[Publication]) -> dict[dt.date, str]:
    """Day -> run_id of the publication that reviewers saw then; days before the first one are left out."""
    return latest_publications(days, [(_seen_since(run), run.finished_at.date(), run.run_id) for run in published])


def _seen_since(run: Publication) -> dt.date:
    """Since when reviewers may have seen the state of a publication: that of an erasure replaces all before it."""
    return dt.date.min if run.job == ERASE else run.run_date


def seen_listings(warehouse: Warehouse, run_ids: Collection[str]) -> DataFrame:
    """The listings of some publications, with reviewed_run_id and the columns `seen_*` of `validate_decisions`."""
    return reduce(DataFrame.unionByName, [_published_listings(warehouse, run_id) for run_id in sorted(run_ids)])


def _published_listings(warehouse: Warehouse, run_id: str) -> DataFrame:
    publication = find_publication(warehouse, run_id)
    clean = warehouse.read(CLEAN_LISTINGS, publication.version(CLEAN_LISTINGS))
    items = warehouse.read(FLAGGED_ITEMS, publication.version(FLAGGED_ITEMS))
    items = items.select("listing_id", "audit_chance", "reasons")
    listings = clean.join(items, "listing_id", "left").withColumn("judged", judged_hashes())
    columns = (
        "content_hash", "category", "best_category", "effective_category", "category_source", "audit_chance", "judged",
    )  # fmt: skip
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
