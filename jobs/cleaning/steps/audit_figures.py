"""The figures that people's answers give: error rates by the audit and the precision of corrections, with bounds."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.metric_rows import metric_row
from schemas.metrics import METRICS, MIN_AUDITED, Metric, MetricSource
from schemas.reasons import CategorySource
from udfs.audit_bounds import ESTIMATE, estimate_errors


def audit_counts() -> dict[str, Column]:
    """What is counted of each segment for the figures of the audit: name -> the listings that count.

    The number of wrong listings has two parts: errors that were known before a listing could be drawn, and those of all
    other listings, of which the audited ones are a random sample. An answer judges the category that was published
    before it. What people have put right since, in the audit or not, is subtracted from the errors that are left.
    """
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    known, audited = F.col("known"), F.col("audited")
    label_wrong = ~F.col("effective_category").eqNullSafe(F.col("category"))
    published_wrong = ~F.col("effective_category").eqNullSafe(F.col("judged_category"))
    is_correction = F.col("in_taxonomy") & (F.col("judged_category") != F.col("category"))
    return {
        "listings": F.lit(True),
        "sampled_from": ~known,
        "audited": audited,
        "audited_wrong_before": audited & label_wrong,
        "audited_wrong_left": audited & published_wrong,
        "known_wrong_before": known & label_wrong,
        "put_right_since": by_person & ~known & published_wrong,
        "audited_labels": audited & F.col("in_taxonomy"),
        "audited_wrong_corrections": audited & is_correction & ~label_wrong,
        "corrections": is_correction,
        "corrections_decided": is_correction & by_person,
        "corrections_decided_right": is_correction & by_person & ~published_wrong,
        "corrections_sampled_from": is_correction & ~known,
        "corrections_audited": is_correction & audited,
        "corrections_audited_right": is_correction & audited & ~published_wrong,
    }


def with_bounds(segments: DataFrame) -> DataFrame:
    """Add `before` and `left`: structs with the estimated number of errors, and its exact 95 % bounds.

    Both are null if a segment has fewer than `MIN_AUDITED` audited listings.

    Args:
        segments: the sums of `audit_counts` by segment, and published_listings.
    """
    estimate = F.udf(estimate_errors, ESTIMATE)

    def errors(wrong: str, known: Column, put_right: Column) -> Column:
        found = estimate(wrong, "audited", "sampled_from")
        fields = ("errors", "lower", "upper")
        parts = (F.greatest(known + found[name] - put_right, F.lit(0.0)).alias(name) for name in fields)
        return F.when(F.col("audited") >= MIN_AUDITED, F.struct(*parts))

    nothing = F.lit(0.0)
    return segments.withColumns(
        {
            "before": errors("audited_wrong_before", F.col("known_wrong_before"), nothing),
            "left": errors("audited_wrong_left", nothing, F.col("put_right_since")),
        }
    )


def audit_rows() -> list[Column]:
    """The rows of quality_metrics for a segment of `with_bounds`; null for figures that it does not have."""
    segment, listings = (F.col("dimension"), F.col("segment")), F.col("listings")
    count = metric_row(METRICS["audited_listings"], MetricSource.COUNT, segment, F.col("audited"), None)
    rows = [F.when(listings > 0, count)]
    # People may have moved listings out of the category in which the audit judges them.
    for name, among in (("before", listings), ("left", F.col("published_listings"))):
        found = F.col(name)
        bounds = (found["lower"] / among, found["upper"] / among)
        metric = METRICS[f"category_error_rate_{name}"]
        row = metric_row(metric, MetricSource.AUDIT, segment, found["errors"], among, bounds)
        rows.append(F.when(found.isNotNull() & (among > 0), row))
    corrections = (
        (MetricSource.DECISIONS, "corrections_decided", "corrections"),
        (MetricSource.AUDIT, "corrections_audited", "corrections_sampled_from"),
    )
    for source, decided, among_all in corrections:
        counts = F.col(f"{decided}_right"), F.col(decided), F.col(among_all)
        rows.append(precision_row(METRICS["correction_precision"], source, segment, *counts))
    return rows


def precision_row(
    metric: Metric, source: MetricSource, segment: tuple[Column, Column], right: Column, decided: Column, all_: Column
) -> Column:
    """The row of a precision of the whole catalogue, with exact 95 % bounds; null with fewer than `MIN_AUDITED`.

    Args:
        metric: the declaration.
        source: one of its sources.
        segment: dimension and segment of the row.
        right: number of decided ones that are right.
        decided: number of decided ones, at least `MIN_AUDITED` for a row.
        all_: number of all, decided or not.
    """
    is_whole = F.col("dimension") == "all"
    found = F.udf(estimate_errors, ESTIMATE)(F.when(is_whole, right), decided, all_)
    bounds = (found["lower"] / all_, found["upper"] / all_)
    applies = is_whole & (decided >= MIN_AUDITED)
    return F.when(applies, metric_row(metric, source, segment, right, decided, bounds))
