"""What a seller's labels are like beyond their error rate: the most frequent mistakes and the trend."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.sellers import expected_wrong
from jobs.cleaning.steps.sums import from_units, sum_in_units
from schemas.reasons import CategorySource

MAX_MISTAKES = 5
"""Number of pairs of categories for each seller."""
TREND_DAYS = 30
"""Listings updated in so many days before the run are compared with the earlier ones."""
MIN_TREND_LISTINGS = 10
"""With fewer listings on either side there is no trend."""


def seller_habits(decided: DataFrame, run_date: dt.date) -> DataFrame:
    """Find each seller's most frequent mistakes, and compare recent labels with earlier ones.

    The listings are aggregated once, by seller and kind of mistake. The interval of the trend is that of Agresti and
    Caffo (The American Statistician 2000), computed from expected numbers of wrong labels.

    Args:
        decided: one row per listing: seller_id, category, in_taxonomy, effective_category, category_source,
            label_posterior and updated_at.
        run_date: date of the run.

    Returns:
        The columns of the table sellers from `mistakes` on, and seller_id: one row per seller with a label of the
        taxonomy.
    """
    labelled = decided.where(F.col("seller_id").isNotNull() & F.col("in_taxonomy"))
    differs = ~F.col("effective_category").eqNullSafe(F.col("category"))
    is_mistake = differs & (F.col("category_source") != CategorySource.SELLER.value)
    mistake = F.when(is_mistake, F.struct("category", "effective_category"))
    is_recent = F.col("updated_at") >= F.lit(run_date - dt.timedelta(days=TREND_DAYS))
    kinds = labelled.groupBy("seller_id", mistake.alias("mistake")).agg(
        F.count(F.lit(1)).alias("listings"),
        F.count_if(is_recent).alias("recent"),
        sum_in_units(expected_wrong()).alias("wrong"),
        F.coalesce(sum_in_units(F.when(is_recent, expected_wrong())), F.lit(0)).alias("recent_wrong"),
    )
    pair = F.col("mistake")
    # Sorted by number, then by name, so that the order of the rows does not matter.
    ranked = F.when(pair.isNotNull(), F.struct((-F.col("listings")).alias("key"), "mistake"))
    totals = kinds.groupBy("seller_id").agg(
        F.slice(F.sort_array(F.collect_list(ranked)), 1, MAX_MISTAKES).alias("ranked"),
        *(F.sum(name).alias(name) for name in ("listings", "recent", "wrong", "recent_wrong")),
    )
    mistakes = F.transform("ranked", _mistake)
    recent, earlier = F.col("recent"), F.col("listings") - F.col("recent")
    wrong = (from_units(F.col("recent_wrong")), from_units(F.col("wrong") - F.col("recent_wrong")))
    trend, lower, upper = _difference(*wrong, recent, earlier)
    enough = F.least(recent, earlier) >= MIN_TREND_LISTINGS
    return totals.select(
        "seller_id",
        mistakes.alias("mistakes"),
        F.when(enough, trend).alias("trend"),
        F.when(enough, lower).alias("trend_lower"),
        F.when(enough, upper).alias("trend_upper"),
    )


def _mistake(ranked: Column) -> Column:
    pair = ranked["mistake"]
    return F.struct(
        pair["category"].alias("seller_category"),
        pair["effective_category"].alias("our_category"),
        (-ranked["key"]).alias("listings"),
    )


def _difference(wrong: Column, wrong_before: Column, recent: Column, earlier: Column) -> tuple[Column, Column, Column]:
    """The difference of two shares, and the ends of its 95 % interval, -1 to 1."""
    share, share_before = (wrong + 1) / (recent + 2), (wrong_before + 1) / (earlier + 2)
    variance = share * (1 - share) / (recent + 2) + share_before * (1 - share_before) / (earlier + 2)
    middle, half = share - share_before, 1.96 * F.sqrt(variance)
    lower, upper = F.greatest(middle - half, F.lit(-1.0)), F.least(middle + half, F.lit(1.0))
    return F.try_divide(wrong, recent) - F.try_divide(wrong_before, earlier), lower, upper
