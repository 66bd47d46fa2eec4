"""The figures of a run, for dashboards: shares and means with their 95 % intervals, whole and by segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.flag import Present
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, Reason

_Z = 1.96
Interval = Callable[[Column, Column, Column], tuple[Column, Column]]
"""Mean, mean of squares and count -> lower and upper end."""


def quality_score(present: Present) -> Column:
    """0 (unusable) to 100: 60 for a surely right category, 20 for a title, 15 for a picture, 5 for a description.

    What no listing of the catalogue has, a picture or a title, every one gets the points for.
    """
    reasons = F.col("reasons")
    title = ~(F.array_contains(reasons, "missing_title") | F.array_contains(reasons, "uninformative_title"))
    picture = (F.col("image_status") == "ok") & ~F.array_contains(reasons, "image_mismatch")
    described = F.length(F.trim(F.coalesce("description", F.lit("")))) > 0
    return (
        60 * F.col("category_confidence")
        + F.when(title | F.lit(not present.titles), 20).otherwise(0)
        + F.when(picture | F.lit(not present.pictures), 15).otherwise(0)
        + F.when(described, 5).otherwise(0)
    ).cast("double")


def quality_metrics(decided: DataFrame) -> DataFrame:
    """Rows of the table quality_metrics (but the run's columns).

    Args:
        decided: one row a listing, with category, in_taxonomy, label_posterior, the decision, reasons, quality_score.
    """
    action = F.col("category_action")
    wrong_before = 1 - F.when(F.col("in_taxonomy"), F.col("label_posterior")).otherwise(0.0)
    # A person's word tells whether the seller was right; the posterior is not needed then.
    seller_right = (F.col("effective_category").eqNullSafe(F.col("category"))).cast("double")
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    shares = {
        "kept_share": (action == CategoryAction.KEPT.value).cast("double"),
        "corrected_share": (action == CategoryAction.CORRECTED.value).cast("double"),
        "referred_share": (action == CategoryAction.REFERRED.value).cast("double"),
        "flagged_share": (F.size("reasons") > 0).cast("double"),
        "expected_error_before": F.when(by_person, 1 - seller_right).otherwise(wrong_before),
        "expected_error_left": 1 - F.col("category_confidence"),
    }
    means = {
        "mean_quality_score": F.col("quality_score"),
        "mean_correction_confidence": F.when(action == CategoryAction.CORRECTED.value, F.col("category_confidence")),
    }
    of_reason = {r.value: F.array_contains("reasons", r.value).cast("double") for r in Reason}
    of_status = {s.value: (F.col("image_status") == s.value).cast("double") for s in ImageStatus}
    category = F.coalesce("effective_category", F.lit("(none)"))
    parts = [
        _count(decided),
        _figures(decided, "all", F.lit("all"), shares, _wilson),
        _figures(decided, "all", F.lit("all"), means, _normal),
        _figures(decided, "category", category, shares, _wilson),
        _figures(decided, "category", category, means, _normal),
        _by_value(decided, "reason", "flagged_share", of_reason),
        _by_value(decided, "image_status", "image_status_share", of_status),
    ]
    return reduce(DataFrame.unionByName, parts)


def _count(decided: DataFrame) -> DataFrame:
    counted = decided.agg(F.count(F.lit(1)).cast("double").alias("value"))
    return counted.select(
        F.lit("listings").alias("metric"),
        F.lit("all").alias("dimension"),
        F.lit("all").alias("segment"),
        "value",
        F.col("value").alias("numerator"),
        *(F.lit(None).cast("double").alias(name) for name in ("denominator", "lower", "upper")),
    )


def _figures(
    decided: DataFrame, dimension: str, segment: Column, figures: Mapping[str, Column], interval: Interval
) -> DataFrame:
    """A row a figure and segment; values that are null are left out of numerator and denominator."""
    parts = F.array(*(F.struct(F.lit(name).alias("metric"), value.alias("value")) for name, value in figures.items()))
    long = decided.select(segment.alias("segment"), F.explode(parts).alias("figure")).select("segment", "figure.*")
    sums = long.groupBy("metric", "segment").agg(
        F.sum("value").alias("numerator"),
        F.sum(F.col("value") * F.col("value")).alias("squares"),
        F.count("value").cast("double").alias("denominator"),
    )
    mean = F.col("numerator") / F.col("denominator")
    lower, upper = interval(mean, F.col("squares") / F.col("denominator"), F.col("denominator"))
    return sums.where("denominator > 0").select(
        "metric",
        F.lit(dimension).alias("dimension"),
        "segment",
        mean.alias("value"),
        "numerator",
        "denominator",
        lower.alias("lower"),
        upper.alias("upper"),
    )


def _by_value(decided: DataFrame, dimension: str, metric: str, values: Mapping[str, Column]) -> DataFrame:
    """The share of the listings that have each value of a dimension."""
    rows = _figures(decided, dimension, F.lit("all"), values, _wilson)
    return rows.withColumn("segment", F.col("metric")).withColumn("metric", F.lit(metric))


def _wilson(mean: Column, _squares: Column, n: Column) -> tuple[Column, Column]:
    """Wilson's interval of a share (Wilson, JASA 1927)."""
    centre = (mean + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * F.sqrt(mean * (1 - mean) / n + _Z * _Z / (4 * n * n))
    return F.greatest(F.lit(0.0), centre - half), F.least(F.lit(1.0), centre + half)


def _normal(mean: Column, squares: Column, n: Column) -> tuple[Column, Column]:
    """The normal interval of a mean."""
    half = _Z * F.sqrt(F.greatest(F.lit(0.0), squares - mean * mean) / n)
    return mean - half, mean + half
