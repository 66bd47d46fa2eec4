"""Computes the metrics of a publication that schemas/metrics.py declares, for the whole catalogue and by segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.sums import from_units, sum_in_units
from schemas.estimates import ShareEstimate
from schemas.metrics import METRICS, Metric, MetricSource
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, Reason

_Z = 1.96
_NO_CATEGORY = "(none)"


@dataclass(frozen=True)
class _Figure:
    """A metric of the whole catalogue or of one segment.

    Attributes:
        metric: the declaration.
        value: what a listing adds to the numerator; boolean (1 or 0) or double.
        counts: whether a listing is in the denominator; boolean.
        dimension, segment: dimension and segment of the row.
    """

    metric: Metric
    value: Column
    counts: Column
    dimension: str = "all"
    segment: str = "all"


def quality_score() -> Column:
    """Score a listing from 0 to 100: up to 60 for the category, 20 for title, 15 for picture and 5 for description.

    The points for the category are proportional to its confidence. A listing gets the points for title and picture
    unless it has an open reason about them. So a missing part that is not expected, or a reason that a reviewer has
    settled, costs no points.
    """

    def is_fine(*faults: Reason) -> Column:
        return ~F.arrays_overlap("reasons", F.array(*(F.lit(fault.value) for fault in faults)))

    title = is_fine(Reason.MISSING_TITLE, Reason.UNINFORMATIVE_TITLE)
    picture = is_fine(Reason.MISSING_IMAGE, Reason.CORRUPT_IMAGE, Reason.BLANK_IMAGE, Reason.IMAGE_MISMATCH)
    return (
        60 * F.col("category_confidence")
        + F.when(title, 20).otherwise(0)
        + F.when(picture, 15).otherwise(0)
        + F.when(F.col("has_description"), 5).otherwise(0)
    ).cast("double")


def quality_metrics(decided: DataFrame, reasons: Iterable[Reason], share: ShareEstimate | None) -> DataFrame:
    """Rows of the table quality_metrics, without the run's columns.

    The catalogue is aggregated once, by category; everything else is derived from that small result. A figure whose
    denominator is 0 has no row.

    The audited errors have two parts. Errors of listings that people have decided outside the audit are known and
    counted. For all other listings, the answered listings of the audit are a simple random sample. This requires that
    people answer all drawn listings. The posteriors are calibrated on the same answers, but only with a few
    parameters.

    Args:
        decided: one row per listing, with category, in_taxonomy, label_posterior, the columns that
            `jobs.cleaning.steps.decide.decide` adds, reasons, quality_score and image_status.
        reasons: reasons that a rule computes; other reasons have no metric.
        share: the model's `NoiseModel.share`; None: it has no metric.
    """
    figures = _figures(reasons)
    outside_audit = _decided_outside_audit()
    category = F.coalesce("effective_category", F.lit(_NO_CATEGORY))
    by_category = decided.groupBy(category.alias("category")).agg(
        *(sum_in_units(F.when(f.counts, f.value)).alias(f"numerator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(f.counts).alias(f"denominator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(outside_audit & f.value).alias(f"known_{i}") for i, f in enumerate(figures) if _is_audit(f)),
        F.count_if(outside_audit).alias("outside_audit"),
        F.count(F.lit(1)).alias("listings"),
    )
    sums = [name for name in by_category.columns if name != "category"]
    levels = by_category.rollup("category").agg(
        F.grouping("category").alias("is_total"), *(F.sum(name).alias(name) for name in sums)
    )
    is_total = F.col("is_total") == 1
    rows = [F.when(is_total, _share_row(share))] if share else []
    rows += [
        row
        for i, figure in enumerate(figures)
        for row in (
            F.when(is_total, _row(figure, i, F.lit(figure.dimension), F.lit(figure.segment))),
            F.when(~is_total & F.lit(_by_category(figure)), _row(figure, i, F.lit("category"), F.col("category"))),
        )
    ]
    return _with_values(levels.select(F.inline(F.array_compact(F.array(*rows)))), share)


def _figures(reasons: Iterable[Reason]) -> list[_Figure]:
    """All declared metrics, for all dimensions except category."""
    everything = F.lit(True)
    action, effective = F.col("category_action"), F.col("effective_category")
    corrected = action == CategoryAction.CORRECTED.value
    # A reviewer's decision shows whether the seller was right, so it replaces the posterior.
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    seller_wrong = ~effective.eqNullSafe(F.col("category"))
    label_posterior = F.when(F.col("in_taxonomy"), F.col("label_posterior")).otherwise(0.0)
    audited = F.col("audited")
    whole: dict[str, tuple[Column, Column]] = {
        "listings": (everything, everything),
        "kept_share": (action == CategoryAction.KEPT.value, everything),
        "corrected_share": (corrected, everything),
        "referred_share": (action == CategoryAction.REFERRED.value, everything),
        "flagged_share": (F.size("reasons") > 0, everything),
        "audited_listings": (audited, everything),
        "audited_error_before": (seller_wrong, audited),
        "audited_error_left": (~effective.eqNullSafe(F.col("unreviewed_category")), audited),
        "expected_error_before": (
            F.when(by_person, seller_wrong.cast("double")).otherwise(1 - label_posterior),
            everything,
        ),
        "expected_error_left": (1 - F.col("category_confidence"), everything),
        "mean_correction_confidence": (F.col("category_confidence"), corrected),
        "mean_quality_score": (F.col("quality_score"), everything),
    }
    status = F.col("image_status")
    parts: dict[str, dict[str, tuple[Column, Column]]] = {
        "reason": {r.value: (F.array_contains("reasons", r.value), everything) for r in reasons},
        "image_status": {s.value: (status == s.value, status.isNotNull()) for s in ImageStatus},
    }
    return [_Figure(METRICS[name], *columns) for name, columns in whole.items()] + [
        _Figure(metric, *part, dimension, segment)
        for metric in METRICS.values()
        for dimension in metric.dimensions
        for segment, part in parts.get(dimension, {}).items()
    ]


def _by_category(figure: _Figure) -> bool:
    return figure.dimension == "all" and "category" in figure.metric.dimensions


def _is_audit(figure: _Figure) -> bool:
    return figure.metric.source is MetricSource.AUDIT


def _decided_outside_audit() -> Column:
    """Whether a reviewer has decided the listing outside the audit."""
    return (F.col("category_source") == CategorySource.REVIEWER.value) & ~F.col("audited")


def _row(figure: _Figure, i: int, dimension: Column, segment: Column) -> Column:
    denominator, known = F.col(f"denominator_{i}"), F.col(f"known_{i}") if _is_audit(figure) else F.lit(None)
    return _struct(
        figure.metric,
        dimension,
        segment,
        from_units(F.col(f"numerator_{i}")),
        denominator if figure.metric.denominator else F.lit(None),
        known,
    )


def _share_row(share: ShareEstimate) -> Column:
    """The estimated share of wrong labels. It comes from the model: no listing adds to it."""
    everything, nothing = F.lit("all"), F.lit(None)
    return _struct(METRICS["wrong_label_share"], everything, everything, F.lit(share.value), nothing, nothing)


def _struct(
    metric: Metric, dimension: Column, segment: Column, numerator: Column, denominator: Column, known: Column
) -> Column:
    return F.struct(
        F.lit(metric.name).alias("metric"),
        dimension.alias("dimension"),
        segment.alias("segment"),
        numerator.cast("double").alias("numerator"),
        denominator.cast("double").alias("denominator"),
        F.lit(metric.source.value).alias("source"),
        known.cast("long").alias("known"),
        "outside_audit",
        "listings",
    )


def _with_values(sums: DataFrame, estimated: ShareEstimate | None) -> DataFrame:
    """Add value, lower, upper and basis, and drop rows whose denominator is 0.

    The numerator and denominator of an audited metric are extrapolated to the whole catalogue.
    """
    share, n, listings = F.col("numerator") / F.col("denominator"), F.col("denominator"), F.col("listings")
    by_audit, by_evidence = (F.col("source") == source.value for source in (MetricSource.AUDIT, MetricSource.EVIDENCE))
    lower, upper = _wilson(share, n)
    lowest, highest = estimated.interval if estimated else (None, None)
    basis = estimated.source if estimated else None

    def errors(rate: Column) -> Column:
        return F.col("known") + (listings - F.col("outside_audit")) * rate

    return sums.where("denominator IS NULL OR denominator > 0").select(
        "metric",
        "dimension",
        "segment",
        F.when(n.isNull(), F.col("numerator")).when(by_audit, errors(share) / listings).otherwise(share).alias("value"),
        F.when(by_audit, errors(share)).otherwise(F.col("numerator")).alias("numerator"),
        F.when(by_audit, listings.cast("double")).otherwise(n).alias("denominator"),
        F.when(by_audit, errors(lower) / listings).when(by_evidence, F.lit(lowest)).alias("lower"),
        F.when(by_audit, errors(upper) / listings).when(by_evidence, F.lit(highest)).alias("upper"),
        "source",
        F.when(by_evidence, F.lit(basis)).cast("string").alias("basis"),
    )


def _wilson(share: Column, n: Column) -> tuple[Column, Column]:
    """Wilson's 95 % interval of a share (Wilson, JASA 1927)."""
    centre = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * F.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return F.greatest(F.lit(0.0), centre - half), F.least(F.lit(1.0), centre + half)
