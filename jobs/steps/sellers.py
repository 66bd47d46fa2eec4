"""How often each seller labels wrongly: the nightly update of the noise model."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ROUNDS = 5


def label_posterior(label_support: Column, other_support: Column, error_rate: Column) -> Column:
    """The posterior that a label is right, 0 to 1 (see `udfs.weigh`); 0 where there is no label."""
    right = (1 - error_rate) * label_support
    return right / F.greatest(right + error_rate * other_support, F.lit(1e-300))


def seller_rates(
    weighed: DataFrame, start: DataFrame, overall: float, prior_listings: float, hysteresis: float
) -> DataFrame:
    """Each seller's error rate, by expectation-maximisation over the listings of today.

    Args:
        weighed: seller_id, label_support, other_support of listings with a label of the taxonomy.
        start: seller_id, error_rate as published last; empty on the first run.
        overall: the bundle's error rate, for sellers not in `start`.
        prior_listings: a rate is shrunk to the overall one as if by so many listings more.
        hysteresis: a published rate stands until the estimate leaves it by so many standard errors, so that a few
            changed listings do not move the posteriors of all the others of their seller.

    Returns:
        seller_id, listings, error_rate, lower, upper (a 95 % interval). Listings without a seller have no row.
    """
    labelled = weighed.where(F.col("seller_id").isNotNull()).select("seller_id", "label_support", "other_support")
    start = start.select("seller_id", F.col("error_rate").alias("before"))
    rates = start.withColumnRenamed("before", "error_rate")
    for _ in range(_ROUNDS):
        rates = _round(labelled, rates, overall, prior_listings)
    stands = F.abs(F.col("error_rate") - F.col("before")) <= hysteresis * _standard_error(prior_listings)
    rate = F.when(stands, F.col("before")).otherwise(F.col("error_rate"))
    # The interval is of the rate that is published, so that what stands stands whole.
    held = rates.join(start, "seller_id", "left").withColumn("error_rate", rate)
    half = 1.96 * _standard_error(prior_listings)
    return held.select(
        "seller_id",
        "listings",
        "error_rate",
        F.greatest(F.lit(0.0), F.col("error_rate") - half).alias("lower"),
        F.least(F.lit(1.0), F.col("error_rate") + half).alias("upper"),
    )


def _standard_error(prior_listings: float) -> Column:
    return F.sqrt(F.col("error_rate") * (1 - F.col("error_rate")) / (F.col("listings") + prior_listings))


def _round(labelled: DataFrame, rates: DataFrame, overall: float, prior_listings: float) -> DataFrame:
    known = rates.select("seller_id", "error_rate")
    rate = F.coalesce(F.col("error_rate"), F.lit(overall))
    wrong = 1 - label_posterior(F.col("label_support"), F.col("other_support"), rate)
    counted = labelled.join(known, "seller_id", "left").groupBy("seller_id")
    sums = counted.agg(F.count(F.lit(1)).alias("listings"), F.sum(wrong).alias("wrong"))
    shrunk = (F.col("wrong") + prior_listings * overall) / (F.col("listings") + prior_listings)
    return sums.select("seller_id", "listings", shrunk.alias("error_rate"))
