"""How often each seller labels wrongly: the nightly update of the noise model."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ROUNDS = 5
_STEP = 1 / 16
"""Width of a bin of log likelihood ratios. Its mean ratio stands for each of its listings: off by some 1e-4 at most."""
_FARTHEST = 32.0
"""A log likelihood ratio beyond this settles a label at any error rate, to 1e-10."""
_SCALE = 1 << 24
"""Log ratios are summed as integers, in units of 1/2^24, because integers add up alike in any order."""


def label_posterior(label_support: Column, other_support: Column, error_rate: Column) -> Column:
    """The posterior that a label is right, 0 to 1 (see `udfs.label_evidence`); 0 where there is no label."""
    right = (1 - error_rate) * label_support
    return right / F.greatest(right + error_rate * other_support, F.lit(1e-300))


def seller_rates(
    evidence: DataFrame, start: DataFrame, overall: float, factor: float, prior_listings: float, hysteresis: float
) -> DataFrame:
    """Each seller's error rate, by expectation-maximisation over today's listings.

    A seller's listings matter only by how much likelier their labels are wrong than right. So they are counted in bins
    of that ratio, of which a seller has about a thousand at most, however many the listings.

    Args:
        evidence: seller_id, label_support, other_support of listings with a label of the taxonomy.
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
    by_seller = _ratios(evidence).join(before, "seller_id", "left")
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


def _ratios(evidence: DataFrame) -> DataFrame:
    """A seller's listings by their log likelihood ratio `log(other_support / label_support)`.

    Returns:
        seller_id, listings, and `ratios`: an array of the mean ratio of a bin and the number of its listings, sorted.
    """
    right, wrong = (F.greatest(name, F.lit(1e-300)) for name in ("label_support", "other_support"))
    ratio = F.when(F.col("label_support") <= 0, F.lit(_FARTHEST)).otherwise(F.log(wrong) - F.log(right))
    bounded = F.greatest(F.lit(-_FARTHEST), F.least(F.lit(_FARTHEST), ratio))
    rows = evidence.where(F.col("seller_id").isNotNull()).select("seller_id", bounded.alias("ratio"))
    bins = rows.groupBy("seller_id", F.floor(F.col("ratio") / _STEP).alias("bin")).agg(
        F.count(F.lit(1)).alias("listings"), F.sum(F.round(F.col("ratio") * _SCALE).cast("bigint")).alias("total")
    )
    mean = F.col("total") / F.col("listings") / _SCALE
    counted = F.struct(mean.alias("ratio"), "listings")
    return bins.groupBy("seller_id").agg(
        F.sum("listings").alias("listings"),
        # Sorted, so that sums do not depend on the order in which rows arrive.
        F.sort_array(F.collect_list(counted)).alias("ratios"),
    )


def _standard_error(prior_listings: float) -> Column:
    return F.sqrt(F.col("error_rate") * (1 - F.col("error_rate")) / (F.col("listings") + prior_listings))


def _estimate(start: Column, overall: float, factor: float, prior_listings: float) -> Column:
    """The seller's rate after `_ROUNDS` of EM: each round depends on the seller's own `ratios` alone."""

    def one_round(rate: Column, _number: Column) -> Column:
        def add_wrong(total: Column, bin_: Column) -> Column:
            wrong = 1 - label_posterior(F.lit(1.0), F.exp(bin_["ratio"]), rate)
            return total + bin_["listings"] * F.least(wrong * factor, F.lit(1.0))

        wrong = F.aggregate("ratios", F.lit(0.0), add_wrong)
        return (wrong + prior_listings * overall) / (F.col("listings") + prior_listings)

    return F.aggregate(F.sequence(F.lit(1), F.lit(_ROUNDS)), start, one_round)
