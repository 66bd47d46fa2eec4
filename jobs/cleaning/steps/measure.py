"""The figures of a publication: those that schemas/metrics.py declares, for the whole catalogue and its parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.metrics import METRICS, Metric, MetricSource
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, Reason

_Z = 1.96
_NO_CATEGORY = "(none)"


@dataclass(frozen=True)
class _Figure:
    """A metric of the whole catalogue, or of one segment of a dimension.

    Attributes:
        metric: the declaration.
        value: what a listing adds to the numerator; boolean (1 or 0) or double.
        counts: boolean, whether a listing is in the denominator.
        dimension, segment: of the row.
    """

    metric: Metric
    value: Column
    counts: Column
    dimension: str = "all"
    segment: str = "all"


def quality_score() -> Column:
    """0 (unusable) to 100: 60 for a surely right category, 20 for a title, 15 for a picture, 5 for a description.

    A listing gets the points for title and picture unless an open reason says that they are missing or unusable. What
    is not expected of the catalogue's listings, or what a reviewer has settled, costs no points.
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


def quality_metrics(decided: DataFrame, reasons: Iterable[Reason]) -> DataFrame:
    """Rows of the table quality_metrics, without the run's columns.

    The catalogue is aggregated once, by category; everything else is derived from that small result. A figure whose
    denominator is 0 has no row.

    The errors that the audit estimates have two parts. Of the listings that people have decided outside the audit,
    which are not drawn, every error is known and counted. For all others, the answered listings of the audit are taken
    as a simple random sample. They were drawn without looking at the model, but people must answer them whatever they
    show. The posteriors were calibrated on the same answers, but by a handful of parameters only.

    Args:
        decided: one row a listing, with category, in_taxonomy, label_posterior, the columns that
            `jobs.cleaning.steps.decide.decide` adds, reasons, quality_score and image_status.
        reasons: those that a rule computes; others are not measured.
    """
    figures = _figures(reasons)
    category = F.coalesce("effective_category", F.lit(_NO_CATEGORY))
    by_category = decided.groupBy(category.alias("category")).agg(
        *(F.sum(F.when(f.counts, f.value.cast("double"))).alias(f"numerator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(f.counts).alias(f"denominator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(_not_drawn() & f.value).alias(f"known_{i}") for i, f in enumerate(figures) if _is_audit(f)),
        F.count_if(_not_drawn()).alias("not_drawn"),
        F.count(F.lit(1)).alias("listings"),
    )
    sums = [name for name in by_category.columns if name != "category"]
    levels = by_category.rollup("category").agg(
        F.grouping("category").alias("is_total"), *(F.sum(name).alias(name) for name in sums)
    )
    is_total = F.col("is_total") == 1
    rows = [
        row
        for i, figure in enumerate(figures)
        for row in (
            F.when(is_total, _row(figure, i, F.lit(figure.dimension), F.lit(figure.segment))),
            F.when(~is_total & F.lit(_by_category(figure)), _row(figure, i, F.lit("category"), F.col("category"))),
        )
    ]
    return _with_values(levels.select(F.inline(F.array_compact(F.array(*rows)))))


def _figures(reasons: Iterable[Reason]) -> list[_Figure]:
    """Every declared metric, by every dimension but the category."""
    everything = F.lit(True)
    action, effective = F.col("category_action"), F.col("effective_category")
    corrected = action == CategoryAction.CORRECTED.value
    # A person's decision tells whether the seller was right; the posterior is not needed then.
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
    return [_Figure(m, *whole[m.name]) for m in METRICS.values() if "all" in m.dimensions] + [
        _Figure(metric, *part, dimension, segment)
        for metric in METRICS.values()
        for dimension in metric.dimensions
        for segment, part in parts.get(dimension, {}).items()
    ]


def _by_category(figure: _Figure) -> bool:
    return figure.dimension == "all" and "category" in figure.metric.dimensions


def _is_audit(figure: _Figure) -> bool:
    return figure.metric.source is MetricSource.AUDIT


def _not_drawn() -> Column:
    """A person has decided the listing outside the audit."""
    return (F.col("category_source") == CategorySource.REVIEWER.value) & ~F.col("audited")


def _row(figure: _Figure, place: int, dimension: Column, segment: Column) -> Column:
    denominator = F.col(f"denominator_{place}").cast("double")
    return F.struct(
        F.lit(figure.metric.name).alias("metric"),
        dimension.alias("dimension"),
        segment.alias("segment"),
        F.col(f"numerator_{place}").alias("numerator"),
        (denominator if figure.metric.denominator else F.lit(None).cast("double")).alias("denominator"),
        F.lit(figure.metric.source.value).alias("source"),
        (F.col(f"known_{place}") if _is_audit(figure) else F.lit(None).cast("long")).alias("known"),
        "not_drawn",
        "listings",
    )


def _with_values(sums: DataFrame) -> DataFrame:
    """Add value, lower and upper; rows whose denominator is 0 are left out.

    The numerator and the denominator of an audited figure become those of the whole catalogue.
    """
    share, n, listings = F.col("numerator") / F.col("denominator"), F.col("denominator"), F.col("listings")
    by_audit = F.col("source") == MetricSource.AUDIT.value
    lower, upper = _wilson(share, n)

    def errors(rate: Column) -> Column:
        return F.col("known") + (listings - F.col("not_drawn")) * rate

    return sums.where("denominator IS NULL OR denominator > 0").select(
        "metric",
        "dimension",
        "segment",
        F.when(n.isNull(), F.col("numerator")).when(by_audit, errors(share) / listings).otherwise(share).alias("value"),
        F.when(by_audit, errors(share)).otherwise(F.col("numerator")).alias("numerator"),
        F.when(by_audit, listings.cast("double")).otherwise(n).alias("denominator"),
        F.when(by_audit, errors(lower) / listings).alias("lower"),
        F.when(by_audit, errors(upper) / listings).alias("upper"),
        "source",
    )


def _wilson(share: Column, n: Column) -> tuple[Column, Column]:
    """The 95 % interval of a share (Wilson, JASA 1927)."""
    centre = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * F.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return F.greatest(F.lit(0.0), centre - half), F.least(F.lit(1.0), centre + half)
