"""Estimates the error rate of each seller's labels: the nightly update of the noise model."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.sums import from_units, sum_in_units
from schemas.reasons import CategorySource

_ROUNDS = 5
_STEP = 1 / 16
"""Width of a bin of log likelihood ratios. Replacing ratios by the mean of their bin causes an error of about 1e-4."""
_MAX_RATIO = 32.0
"""Log likelihood ratios are clipped to this; beyond it a label's posterior is within 1e-10 of 0 or 1."""


def label_posterior(label_support: Column, other_support: Column, error_rate: Column) -> Column:
    """The posterior that a label is right, 0 to 1 (see `udfs.label_evidence`); 0 without a label."""
    right = (1 - error_rate) * label_support
    return right / F.greatest(right + error_rate * other_support, F.lit(1e-300))


def expected_wrong() -> Column:
    """The probability that a listing's label is wrong, 0 to 1: what a person has decided, else by its posterior.

    A missing label, or one that the taxonomy lacks, is wrong.
    """
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    seller_wrong = ~F.col("effective_category").eqNullSafe(F.col("category"))
    posterior = F.when(F.col("in_taxonomy"), F.col("label_posterior")).otherwise(0.0)
    return F.when(by_person, seller_wrong.cast("double")).otherwise(1 - posterior)


def seller_rates(
    evidence: DataFrame, start: DataFrame, overall: float, factor: float, prior_listings: float, hysteresis: float
) -> DataFrame:
    """Estimate each seller's error rate by expectation-maximisation (EM) over the current listings.

    The estimate depends only on the likelihood ratios of wrong to right labels. So the listings of a seller are counted
    in bins of this ratio, at most about a thousand.

    Args:
        evidence: seller_id, label_support, other_support of listings whose label is in the taxonomy.
        start: seller_id, error_rate of the previous publication or the model.
        overall: error rate of the model, used for sellers not in `start`.
        factor: rate_factor of the model, by which the posterior of a wrong label is multiplied.
        prior_listings: strength of the shrinkage to the overall rate, in listings.
        hysteresis: a rate changes only if the new estimate differs by this many standard errors. Otherwise a few
            changed listings would change the posteriors of all listings of the seller.

    Returns:
        seller_id, listings, error_rate, lower, upper (a 95 % interval). Listings without a seller are ignored.
    """
    before = start.select("seller_id", F.col("error_rate").alias("before"))
    by_seller = _ratios(evidence).join(before, "seller_id", "left")
    estimate = _estimate(F.coalesce("before", F.lit(overall)), overall, factor, prior_listings)
    rates = by_seller.select("seller_id", "listings", "before", estimate.alias("error_rate"))
    unchanged = F.abs(F.col("error_rate") - F.col("before")) <= hysteresis * _standard_error(prior_listings)
    rate = F.when(unchanged, F.col("before")).otherwise(F.col("error_rate"))
    # The interval belongs to the published rate, so it does not change either if the rate is kept.
    published = rates.withColumn("error_rate", rate)
    half = 1.96 * _standard_error(prior_listings)
    return published.select(
        "seller_id",
        "listings",
        "error_rate",
        F.greatest(F.lit(0.0), F.col("error_rate") - half).alias("lower"),
        F.least(F.lit(1.0), F.col("error_rate") + half).alias("upper"),
    )


def _ratios(evidence: DataFrame) -> DataFrame:
    """Count each seller's listings by the log likelihood ratio `log(other_support / label_support)`.

    Returns:
        seller_id, listings, and `ratios`: a sorted array with the mean ratio and the number of listings of each bin.
    """
    right, wrong = (F.greatest(name, F.lit(1e-300)) for name in ("label_support", "other_support"))
    ratio = F.when(F.col("label_support") <= 0, F.lit(_MAX_RATIO)).otherwise(F.log(wrong) - F.log(right))
    bounded = F.greatest(F.lit(-_MAX_RATIO), F.least(F.lit(_MAX_RATIO), ratio))
    rows = evidence.where(F.col("seller_id").isNotNull()).select("seller_id", bounded.alias("ratio"))
    bins = rows.groupBy("seller_id", F.floor(F.col("ratio") / _STEP).alias("bin")).agg(
        F.count(F.lit(1)).alias("listings"), from_units(sum_in_units(F.col("ratio"))).alias("total")
    )
    mean = F.col("total") / F.col("listings")
    counted = F.struct(mean.alias("ratio"), "listings")
    return bins.groupBy("seller_id").agg(
        F.sum("listings").alias("listings"),
        # Sorted, so that sums do not depend on the order of the rows.
        F.sort_array(F.collect_list(counted)).alias("ratios"),
    )


def _standard_error(prior_listings: float) -> Column:
    return F.sqrt(F.col("error_rate") * (1 - F.col("error_rate")) / (F.col("listings") + prior_listings))


def _estimate(start: Column, overall: float, factor: float, prior_listings: float) -> Column:
    """The seller's rate after `_ROUNDS` rounds of EM on the seller's `ratios`."""

    def one_round(rate: Column, _number: Column) -> Column:
        def add_wrong(total: Column, bin_: Column) -> Column:
            wrong = 1 - label_posterior(F.lit(1.0), F.exp(bin_["ratio"]), rate)
            return total + bin_["listings"] * F.least(wrong * factor, F.lit(1.0))

        wrong = F.aggregate("ratios", F.lit(0.0), add_wrong)
        return (wrong + prior_listings * overall) / (F.col("listings") + prior_listings)

    return F.aggregate(F.sequence(F.lit(1), F.lit(_ROUNDS)), start, one_round)
