"""The history of corrections: when the correction of a listing's category begins, changes or ends."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.reasons import CategorySource


def correction_events(clean: DataFrame, before: DataFrame) -> DataFrame:
    """Compare two publications: rows of the table corrections, without the run's columns.

    Args:
        clean: clean_listings of this run.
        before: clean_listings as readers see them until this run; no rows for the first run.

    Returns:
        listing_id, event, seller_category, corrected_category, confidence, decided_by.
    """
    now = _corrected(clean).select(
        "listing_id",
        F.col("category").alias("seller_now"),
        F.col("effective_category").alias("now"),
        F.col("category_confidence").alias("confidence"),
        F.col("category_source").alias("by_now"),
    )
    then = _corrected(before).select(
        "listing_id",
        F.col("category").alias("seller_then"),
        F.col("effective_category").alias("then"),
        F.col("category_source").alias("by_then"),
    )
    joined = now.join(then, "listing_id", "full")
    event = (
        F.when(F.col("then").isNull(), "begun")
        .when(F.col("now").isNull(), "ended")
        .when(F.col("now") != F.col("then"), "changed")
    )
    return (
        joined.withColumn("event", event)
        .where(F.col("event").isNotNull())
        .select(
            "listing_id",
            "event",
            F.when(F.col("now").isNull(), F.col("seller_then")).otherwise(F.col("seller_now")).alias("seller_category"),
            F.coalesce("now", "then").alias("corrected_category"),
            "confidence",
            F.coalesce("by_now", "by_then").alias("decided_by"),
        )
    )


def _corrected(clean: DataFrame) -> DataFrame:
    """Listings whose effective category is from the model or a reviewer and differs from the seller's."""
    differs = ~F.col("effective_category").eqNullSafe(F.col("category"))
    return clean.where((F.col("category_source") != CategorySource.SELLER.value) & differs)
