"""Compares successive states of the catalogue: which listings appear, change their category or disappear."""

from __future__ import annotations

from enum import StrEnum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

VALUES = ("effective_category", "category_source", "category_confidence")
"""Columns of a state, apart from listing_id, that a change reports."""


class Change(StrEnum):
    """What a shop must do with a listing."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


def state_changes(states: DataFrame, last: int) -> DataFrame:
    """Find what changes from each state to the next.

    Only a change of effective_category counts. It may be null, which is a value like any other: the shop shows the
    listing without a category.

    Args:
        states: position, listing_id and `VALUES`; a listing has one row for each state that contains it.
        last: position of the last state; the first one has position 0, and none is left out. A state may be empty.

    Returns:
        position (1 to `last`: of the state that differs from the one before it), listing_id, change (a `Change`),
        effective_category, previous_category, category_source, category_confidence. A listing has at most one row for
        each position. All values are those of the new state, so they are null if the listing was removed;
        previous_category is null if it was added.
    """
    of_listing = Window.partitionBy("listing_id").orderBy("position")
    followed = states.select(
        "position",
        "listing_id",
        *VALUES,
        F.lag("position").over(of_listing).alias("position_before"),
        F.lag("effective_category").over(of_listing).alias("category_before"),
        F.lead("position").over(of_listing).alias("position_after"),
    )
    position, category, before = F.col("position"), F.col("effective_category"), F.col("category_before")
    was_there = F.coalesce(F.col("position_before") == position - 1, F.lit(False))
    stays = F.coalesce(F.col("position_after") == position + 1, F.lit(False))
    arrival = F.when(
        (position > 0) & ~was_there, _event(Change.ADDED, position, F.lit(None), *(F.col(name) for name in VALUES))
    ).when(
        was_there & ~category.eqNullSafe(before),
        _event(Change.CHANGED, position, before, *(F.col(name) for name in VALUES)),
    )
    departure = F.when(
        (position < last) & ~stays, _event(Change.REMOVED, position + 1, category, *(F.lit(None) for _ in VALUES))
    )
    events = followed.select("listing_id", F.explode(F.array_compact(F.array(arrival, departure))).alias("event"))
    return events.select(
        "event.position",
        "listing_id",
        "event.change",
        "event.effective_category",
        "event.previous_category",
        "event.category_source",
        "event.category_confidence",
    )


def _event(
    change: Change, position: Column, previous: Column, category: Column, source: Column, confidence: Column
) -> Column:
    return F.struct(
        position.cast("int").alias("position"),
        F.lit(change.value).alias("change"),
        category.cast("string").alias("effective_category"),
        previous.cast("string").alias("previous_category"),
        source.cast("string").alias("category_source"),
        confidence.cast("double").alias("category_confidence"),
    )
