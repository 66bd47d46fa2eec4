"""Compares a delivery with the stored catalogue: which values it has, its categories and its prices.

Both are compared category by category, so that a delivery of few categories differs no more than one of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

COLUMNS = (
    "title", "description", "category", "price", "currency", "condition", "exposure", "seller_id", "picture"
)  # fmt: skip
"""The columns whose values are counted; picture stands for image and image_uri."""
OVERALL = ("category",)
"""Columns that are compared over all categories."""
IN_NEW_CATEGORIES = ("title",)
"""Columns that are compared in categories that the catalogue lacks, too, with the whole catalogue: every listing has a
title."""
_MIN_PRICES = 5
"""A category's median price counts if so many listings have a price, delivered and stored."""
_ACCURACY = 1_000


def profile(listings: DataFrame) -> DataFrame:
    """Count the values of listings.

    Args:
        listings: title, description, category, price, currency, condition, exposure, seller_id, image_hash, image_uri.

    Returns:
        category, currency, rows, the number of values in each of `COLUMNS` (as has_NAME), and median_price; a row per
        category and currency. NaN is no price.
    """
    price = F.when(~F.isnan("price"), F.col("price"))
    values = listings.withColumns({"price": price, "picture": F.coalesce("image_hash", "image_uri")})
    counts = [F.count(F.when(F.length(F.col(name).cast("string")) > 0, 1)).alias(f"has_{name}") for name in COLUMNS]
    median = F.percentile_approx("price", 0.5, _ACCURACY).alias("median_price")
    return values.groupBy("category", "currency").agg(F.count("*").alias("rows"), *counts, median)


def compare(delivered: DataFrame, stored: DataFrame) -> DataFrame:
    """Compare two profiles.

    Args:
        delivered: the output of `profile` for the delivered listings.
        stored: the same for the stored ones.

    Returns:
        One row: `rows` and `stored_rows`; for each of `COLUMNS` NAME_rows (compared rows), NAME_filled (those with a
        value) and NAME_expected (how many would have one if each category had as many as the stored catalogue);
        `category_shift` (half the sum of the differences of the categories' shares, 0 to 1); `priced_rows` (delivered
        rows in compared categories and currencies) and `price_ratio` (the median over them of delivered by stored
        median price; null if none is compared).
    """
    both = _by_category(delivered, "d").join(_by_category(stored, "s"), F.expr("d_category <=> s_category"), "full")
    numbers = [name for name in both.columns if name not in ("d_category", "s_category")]
    both = both.fillna(0, numbers)
    totals = both.agg(*(F.sum(name).alias(f"all_{name}") for name in numbers))
    joined = both.crossJoin(F.broadcast(totals))
    shift = F.abs(_share("d_rows", "all_d_rows") - _share("s_rows", "all_s_rows"))
    figures = [F.sum("d_rows").alias("rows"), F.sum("s_rows").alias("stored_rows")]
    figures += [figure for name in COLUMNS for figure in _filled(name)]
    return joined.agg(*figures, (F.sum(shift) / 2).alias("category_shift")).crossJoin(_prices(delivered, stored))


def price_changes(updated: DataFrame, stored: DataFrame) -> DataFrame:
    """How the prices of listings have changed.

    Args:
        updated: listing_id, price, currency.
        stored: the same as stored, one row per listing.

    Returns:
        One row: `priced_rows` (listings with a positive price now and before, in the same currency, or without one) and
        `price_ratio` (their median of price by stored price; null if there are none).
    """
    before = stored.select("listing_id", F.col("price").alias("before"), F.col("currency").alias("in_currency"))
    both = updated.select("listing_id", "price", "currency").join(before, "listing_id")
    is_priced = reduce(Column.__and__, [(F.col(name) > 0) & ~F.isnan(name) for name in ("price", "before")])
    ratios = both.where(is_priced & F.col("currency").eqNullSafe(F.col("in_currency")))
    return ratios.agg(F.count("*").alias("priced_rows"), F.expr("percentile(price / before, 0.5)").alias("price_ratio"))


def _by_category(counted: DataFrame, prefix: str) -> DataFrame:
    """The counts of a profile by category, with a prefix to each name."""
    sums = [F.sum(name).alias(f"{prefix}_{name}") for name in ("rows", *(f"has_{name}" for name in COLUMNS))]
    return counted.groupBy(F.col("category").alias(f"{prefix}_category")).agg(*sums)


def _filled(name: str) -> Sequence[Column]:
    """The figures of a column over the joined categories."""
    delivered, values = F.col("d_rows"), F.col(f"d_has_{name}")
    overall, own = _share(f"all_s_has_{name}", "all_s_rows"), _share(f"s_has_{name}", "s_rows")
    is_known = F.col("s_rows") > 0
    if name in OVERALL:
        compared, share = F.lit(True), overall
    elif name in IN_NEW_CATEGORIES:
        compared, share = F.lit(True), F.when(is_known, own).otherwise(overall)
    else:
        compared, share = is_known, own
    return (
        F.sum(F.when(compared, delivered).otherwise(0)).alias(f"{name}_rows"),
        F.sum(F.when(compared, values).otherwise(0)).alias(f"{name}_filled"),
        F.sum(F.when(compared, delivered * share).otherwise(0.0)).alias(f"{name}_expected"),
    )


def _prices(delivered: DataFrame, stored: DataFrame) -> DataFrame:
    """How the medians of prices differ, each weighted by its delivered prices."""
    names = ("category", "currency", "has_price", "median_price")
    d = delivered.where(F.col("has_price") >= _MIN_PRICES).select(*(F.col(name).alias(f"d_{name}") for name in names))
    s = stored.where(F.col("has_price") >= _MIN_PRICES).select(*(F.col(name).alias(f"s_{name}") for name in names))
    same = reduce(Column.__and__, [F.expr(f"d_{name} <=> s_{name}") for name in ("category", "currency")])
    ratio = F.when(F.col("s_median_price") > 0, F.col("d_median_price") / F.col("s_median_price"))
    ratios = d.join(s, same).withColumn("ratio", ratio).where("ratio IS NOT NULL")
    return ratios.agg(
        F.coalesce(F.sum("d_has_price"), F.lit(0)).alias("priced_rows"),
        F.expr("percentile(ratio, 0.5, d_has_price)").alias("price_ratio"),
    )


def _share(part: str, whole: str) -> Column:
    return F.when(F.col(whole) > 0, F.col(part) / F.col(whole)).otherwise(0.0)
