"""Reads what the tables say about one listing: only its own rows, and of states only the newest publication."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.lifecycle.publications import Publication, by_commit, publications
from jobs.lifecycle.reverts import undone_by
from jobs.timeline.events import ListingRows, utc
from jobs.warehouse.tables import Warehouse
from schemas.tables import (
    CLEAN_LISTINGS,
    CORRECTIONS,
    EXPLANATIONS,
    FLAGGED_ITEMS,
    LISTING_CHANGES,
    LISTINGS,
    PREDICTIONS,
    QUARANTINE,
    REVIEW_DECISIONS,
    RUNS,
    SELLERS,
    TAXONOMY,
    Table,
)

PLACES = (
    LISTINGS,
    LISTING_CHANGES,
    QUARANTINE,
    PREDICTIONS,
    CORRECTIONS,
    CLEAN_LISTINGS,
    FLAGGED_ITEMS,
    REVIEW_DECISIONS,
)
"""The tables in which a listing is looked for."""
_HEAVY = ("image", "raw", "top_categories", "text_top", "image_top")
"""Columns that a story does not need."""


def read_listing(warehouse: Warehouse, listing_id: str) -> ListingRows:
    """Read the rows of a listing from all tables in which it can be.

    Facts and states are read as the newest publication has them, so that a run in progress is not seen; listings, their
    changes, quarantine and decisions as they are now. A fact table has each event in one row, so no earlier version of
    any table is read.
    """
    published = publications(warehouse, ended=True)
    newest = next((run for run in reversed(published) if run.ended_by is None), None)

    def published_rows(table: Table) -> tuple[Row, ...]:
        return _rows(newest.read(warehouse, table), listing_id) if newest else ()

    current = {table: _rows(warehouse.read(table), listing_id) for table in (LISTINGS, LISTING_CHANGES, QUARANTINE)}
    predictions, corrections = published_rows(PREDICTIONS), published_rows(CORRECTIONS)
    clean, listing = _first(published_rows(CLEAN_LISTINGS)), _first(current[LISTINGS])
    commits = {run.run_id: run for run in published}
    own = (*(row.delivery_id for row in current[LISTING_CHANGES]), *(row.run_id for row in current[QUARANTINE]))
    seller_id = clean.seller_id if clean else None
    return ListingRows(
        listing_id=listing_id,
        listing=listing,
        changes=current[LISTING_CHANGES],
        predictions=predictions,
        # A run that failed while it published has left events that never came into force.
        corrections=tuple(row for row in corrections if row.run_id in commits),
        decisions=_rows(warehouse.read(REVIEW_DECISIONS), listing_id),
        quarantined=current[QUARANTINE],
        clean=clean,
        flagged=_first(published_rows(FLAGGED_ITEMS)),
        explanation=_first(published_rows(EXPLANATIONS)),
        seller=_seller(warehouse, newest, seller_id) if newest and seller_id is not None else None,
        ended=_end_times(warehouse, published, (*own, *(row.run_id for row in predictions))),
        published=tuple((run.run_id, run.run_date) for run in by_commit(published)),
        reverts=undone_by(published),
        applied=_applied(warehouse, newest, listing_id) if newest else frozenset(),
        names={row.category: row.label or row.category for row in warehouse.read(TAXONOMY).collect()},
    )


def _rows(table: DataFrame, listing_id: str) -> tuple[Row, ...]:
    return tuple(table.where(F.col("listing_id") == listing_id).drop(*_HEAVY).collect())


def _first(rows: tuple[Row, ...]) -> Row | None:
    return rows[0] if rows else None


def _seller(warehouse: Warehouse, newest: Publication, seller_id: str) -> Row | None:
    return newest.read(warehouse, SELLERS).where(F.col("seller_id") == seller_id).first()


def _applied(warehouse: Warehouse, newest: Publication, listing_id: str) -> frozenset[str]:
    """Ids of the listing's decisions that a publication has read."""
    if newest.decisions_version is None:
        return frozenset()
    decisions = warehouse.read(REVIEW_DECISIONS, newest.decisions_version).where(F.col("listing_id") == listing_id)
    return frozenset(row.decision_id for row in decisions.select("decision_id").collect())


def _end_times(
    warehouse: Warehouse, published: Iterable[Publication], run_ids: Iterable[str]
) -> dict[str, dt.datetime]:
    """When publications and other runs ended, UTC; runs that have not ended are left out."""
    times = {run.run_id: utc(run.finished_at) for run in published}
    if others := sorted(set(run_ids) - times.keys()):
        runs = warehouse.read(RUNS).where(F.col("run_id").isin(*others)).select("run_id", "finished_at")
        times |= {row.run_id: utc(row.finished_at) for row in runs.collect()}
    return times
