"""Compares prices with those of the same category and currency."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

EXPECTED_FROM = 0.9
"""A price is expected of all listings if at least this share of the catalogue has a possible one."""
MIN_PRICES = 8
"""A category with fewer possible prices in a currency says nothing about a price."""
_PRIOR_PRICES = 20.0
"""Strength of the shrinkage of a category's spread to the mean spread, in prices."""
_MIN_SPREAD = 0.05
"""Prices of a category of which most are equal still differ by some percent."""
_QUARTILE = 0.6745
"""The quartile of a standard normal distribution."""
_GROUP = ("effective_category", "currency")
_STEPS = 1000
"""Logarithms are counted in steps of 1/1000, so that a quartile is exact and needs little memory."""


def is_possible(price: Column) -> Column:
    """Whether a price is a finite number above 0; false where it is null or NaN."""
    return F.coalesce((price > 0) & ~F.isnan(price) & (price < float("inf")), F.lit(False))


def usual_prices(decided: DataFrame) -> DataFrame:
    """The usual prices of each category and currency: the columns of `_GROUP` and the struct usual_price.

    The spread is how far from the median the logarithms of the prices are, on either side, in standard deviations of a
    normal distribution: the distance of a quartile, which outliers do not change. It is shrunk to the mean spread of
    all categories, by the number of prices.

    Args:
        decided: effective_category, currency and price, one row per listing.

    Returns:
        usual_price: median, lower and upper (the quartiles), listings (number of prices), and the spreads below and
        above the median of their logarithms. A category with fewer than `MIN_PRICES` prices has no row.
    """
    log = F.round(F.log("price") * _STEPS).cast("bigint")
    priced = decided.where(is_possible(F.col("price"))).select(*_GROUP, log.alias("log"))
    quartiles = F.expr("percentile(log, array(0.25, 0.5, 0.75))")
    groups = (
        priced.groupBy(*_GROUP).agg(quartiles.alias("q"), F.count(F.lit(1)).alias("n")).where(F.col("n") >= MIN_PRICES)
    )
    quartile = [F.col("q")[i] / _STEPS for i in range(3)]
    raw = groups.select(
        *_GROUP,
        "n",
        *(q.alias(f"q{i}") for i, q in enumerate(quartile)),
        ((quartile[1] - quartile[0]) / _QUARTILE).alias("below"),
        ((quartile[2] - quartile[1]) / _QUARTILE).alias("above"),
    )
    # Sums of doubles depend on their order: the means are taken in steps as well.
    means = raw.agg(*(_mean(side).alias(f"mean_{side}") for side in ("below", "above")))
    shrunk = {
        side: F.greatest(
            (F.col("n") * F.col(side) + _PRIOR_PRICES * F.col(f"mean_{side}")) / (F.col("n") + _PRIOR_PRICES),
            F.lit(_MIN_SPREAD),
        )
        for side in ("below", "above")
    }
    usual = F.struct(
        F.exp("q1").alias("median"),
        F.exp("q0").alias("lower"),
        F.exp("q2").alias("upper"),
        F.col("n").alias("listings"),
        *(spread.alias(side) for side, spread in shrunk.items()),
    )
    return raw.crossJoin(F.broadcast(means)).select(*_GROUP, usual.alias("usual_price"))


def with_usual_price(decided: DataFrame) -> DataFrame:
    """Add `usual_price` (null where too few prices are known) and `price_distance`.

    The distance of a possible price from the median is counted in spreads of its side, negative below the median; null
    without a usual price.

    Args:
        decided: as for `usual_prices`.
    """
    usual = usual_prices(decided).withColumnsRenamed({name: f"usual_{name}" for name in _GROUP})
    same = [decided[name].eqNullSafe(usual[f"usual_{name}"]) for name in _GROUP]
    joined = decided.join(F.broadcast(usual), same, "left").drop(*(f"usual_{name}" for name in _GROUP))
    off = F.log("price") - F.log(F.col("usual_price.median"))
    spread = F.when(off < 0, F.col("usual_price.below")).otherwise(F.col("usual_price.above"))
    return joined.withColumn("price_distance", F.when(is_possible(F.col("price")), off / spread))


def _mean(side: str) -> Column:
    steps = F.round(F.col(side) * _STEPS * _STEPS).cast("bigint")
    return F.sum(steps * F.col("n")) / F.sum("n") / (_STEPS * _STEPS)
