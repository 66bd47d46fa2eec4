"""How often each seller labels wrongly: the nightly update of the noise model."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ROUNDS = 5


def label_posterior(label_support: Column, other_support: Column, error_rate: Column) -> Column:
    """The posterior that a label is right, 0 to 1 (see `udfs.label_evidence`); 0 where there is no label."""
    right = (1 - error_rate) * label_support
    return right / F.greatest(right + error_rate * other_support, F.lit(1e-300))


def seller_rates(
    weighed: DataFrame, start: DataFrame, overall: float, factor: float, prior_listings: float, hysteresis: float
) -> DataFrame:
    """Each seller's error rate, by expectation-maximisation over the listings of today.

    Args:
        weighed: seller_id, label_support, other_support of listings with a label of the taxonomy.
        start: seller_id, error_rate as published last; empty on the first run.
        overall: the bundle's error rate, for sellers not in `start`.
        factor: the bundle's rate_factor: what a listing's posterior of a wrong label counts.
        prior_listings: a rate is shrunk to the overall one as if by so many listings more.
        hysteresis: a published rate stands until the estimate leaves it by so many standard errors, so that a few
            changed listings do not move the posteriors of all the others of their seller.

    Returns:
        seller_id, listings, error_rate, lower, upper (a 95 % interval). Listings without a seller have no row.
    """
    before = start.select("seller_id", F.col("error_rate").alias("before"))
    supports = F.struct("label_support", "other_support")
    by_seller = (
        weighed.where(F.col("seller_id").isNotNull())
        .groupBy("seller_id")
        # Sorted, so that sums do not depend on the order in which rows arrive.
        .agg(F.count(F.lit(1)).alias("listings"), F.sort_array(F.collect_list(supports)).alias("supports"))
        .join(before, "seller_id", "left")
    )
    estimate = _estimate(F.coalesce("before", F.lit(overall)), overall, factor, prior_listings)
    rates = by_seller.select("seller_id", "listings", "before", estimate.alias("error_rate"))
    stands = F.abs(F.col("error_rate") - F.col("before")) <= hysteresis * _standard_error(prior_listings)
    rate = F.when(stands, F.col("before")).otherwise(F.col("error_rate"))
    # The interval is of the rate that is published, so that what stands stands whole.
    held = rates.withColumn("error_rate", rate)
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


def _estimate(start: Column, overall: float, factor: float, prior_listings: float) -> Column:
    """The seller's rate after `_ROUNDS` of EM: each round depends on the seller's own `supports` alone."""

    def one_round(rate: Column, _number: Column) -> Column:
        def add_wrong(total: Column, listing: Column) -> Column:
            wrong = 1 - label_posterior(listing["label_support"], listing["other_support"], rate)
            return total + F.least(wrong * factor, F.lit(1.0))

        wrong = F.aggregate("supports", F.lit(0.0), add_wrong)
        return (wrong + prior_listings * overall) / (F.col("listings") + prior_listings)

    return F.aggregate(F.sequence(F.lit(1), F.lit(_ROUNDS)), start, one_round)
