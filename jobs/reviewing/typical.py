"""Finds the listings whose pictures fit their category best, to show beside a picture that may not fit."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import Reason

SHOWN = 3
"""Pictures beside one."""
_SURE = 0.9
"""Confidence from which a listing stands for its category."""


def typical_pictures(items: DataFrame, clean: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """The listings with the best fitting pictures, for the categories of items whose picture may not fit.

    Args:
        items: reasons and effective_category of the items.
        clean: rows of clean_listings of the same publication.
        columns: what to show of each.

    Returns:
        effective_category and `fitting`: at most `SHOWN` structs of place and listing (the columns), best first.
    """
    doubtful = items.where(F.array_contains("reasons", Reason.IMAGE_MISMATCH.value))
    wanted = F.broadcast(doubtful.select("effective_category").distinct())
    # A listing without a usable picture has no probability that it does not fit.
    sure = clean.where(F.col("mismatch_probability").isNotNull() & (F.col("category_confidence") >= _SURE))
    order = Window.partitionBy("effective_category").orderBy("mismatch_probability", "listing_id")
    best = sure.join(wanted, "effective_category", "left_semi").withColumn("place", F.row_number().over(order))
    shown = F.struct("place", F.struct(*columns).alias("listing"))
    return (
        best.where(F.col("place") <= SHOWN)
        .groupBy("effective_category")
        .agg(F.sort_array(F.collect_list(shown)).alias("fitting"))
    )
