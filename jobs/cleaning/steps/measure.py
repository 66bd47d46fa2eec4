"""Computes the metrics of a publication that schemas/metrics.py declares, for the whole catalogue and by segment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.audit_figures import audit_counts, audit_rows, precision_row, with_bounds
from jobs.cleaning.steps.fairness import FairnessTest, fairness_rows
from jobs.cleaning.steps.metric_rows import metric_row
from jobs.cleaning.steps.segments import add_up, by_segment, group_columns
from jobs.cleaning.steps.sellers import expected_wrong
from jobs.cleaning.steps.sums import from_units, sum_in_units
from schemas.estimates import ShareEstimate
from schemas.metrics import CORRECTIONS_WORSE, ERROR_LEFT, ERRORS_WORSE, METRICS, Metric, MetricSource
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, ItemStatus, Reason


@dataclass(frozen=True)
class _Figure:
    """A metric of the whole catalogue or of one segment.

    Attributes:
        metric: the declaration.
        value: what a listing adds to the numerator; boolean (1 or 0) or double.
        counts: whether a listing is in the denominator; boolean.
        dimension, segment: part of a listing that the figure is about, such as a reason; "all" if it is split by
            segments.
    """

    metric: Metric
    value: Column
    counts: Column
    dimension: str = "all"
    segment: str = "all"


def quality_metrics(
    decided: DataFrame, taxonomy: DataFrame, reasons: Iterable[Reason], share: ShareEstimate | None
) -> DataFrame:
    """Rows of the table quality_metrics, without the run's columns.

    The catalogue is aggregated once, by category, seller size, language and arm; everything else is derived from that
    small result. A figure whose denominator is 0 has no row.

    Args:
        decided: one row per listing, with category, in_taxonomy, label_posterior, seller_id, seller_listings, language,
            rollout_arm, what `jobs.cleaning.steps.decide.decide` and `jobs.cleaning.steps.audit_sample.mark_audit` add,
            reasons, quality_score, image_status and answers (as `jobs.cleaning.steps.reviews.with_answers` adds them).
        taxonomy: rows of taxonomy.
        reasons: reasons that a rule computes; other reasons have no metric.
        share: the model's `NoiseModel.share`; None: it has no metric.
    """
    reasons = list(reasons)
    figures = _figures(reasons)
    groups = decided.groupBy(*group_columns()).agg(
        *(sum_in_units(F.when(f.counts, f.value)).alias(f"numerator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(f.counts).alias(f"denominator_{i}") for i, f in enumerate(figures)),
        *(F.count_if(condition).alias(name) for name, condition in audit_counts().items()),
        *(count.alias(name) for i, reason in enumerate(reasons) for name, count in _flag_counts(reason, i).items()),
        F.count(F.lit(1)).alias("published_listings"),
    )
    published = [
        name for name in groups.columns if name.startswith(("numerator_", "denominator_", "published_", "flag_"))
    ]
    segments = with_bounds(add_up(by_segment(groups, taxonomy), published, list(audit_counts())))
    is_whole = F.col("dimension") == "all"
    rows = [F.when(is_whole, _share_row(share))] if share else []
    rows += [_row(figure, i) for i, figure in enumerate(figures)]
    rows += [_flag_row(reason, i) for i, reason in enumerate(reasons)]
    segments = fairness_rows(segments, _fairness_tests(figures))
    own = F.array_compact(F.array(*rows, *audit_rows()))
    return segments.select(F.inline(F.when(F.col("fairness").isNull(), own).otherwise(F.concat(own, "fairness"))))


def _fairness_tests(figures: Sequence[_Figure]) -> list[FairnessTest]:
    """By what segments are compared: the model's estimates and the answers to the audit."""
    places = {figure.metric.name: i for i, figure in enumerate(figures) if figure.dimension == "all"}

    def by_model(flag: str, name: str) -> FairnessTest:
        # The sum is null if no listing of the segment counts.
        wrong = F.coalesce(from_units(F.col(f"numerator_{places[name]}")), F.lit(0.0))
        return FairnessTest(flag, MetricSource.MODEL, wrong, F.col(f"denominator_{places[name]}"))

    def by_audit(flag: str, wrong: str, audited: str) -> FairnessTest:
        return FairnessTest(flag, MetricSource.AUDIT, F.col(wrong), F.col(audited))

    return [
        by_model(ERRORS_WORSE, ERROR_LEFT),
        by_audit(ERRORS_WORSE, "audited_wrong_left", "audited"),
        by_model(CORRECTIONS_WORSE, "wrong_correction_share"),
        by_audit(CORRECTIONS_WORSE, "audited_wrong_corrections", "audited_labels"),
    ]


def _figures(reasons: Iterable[Reason]) -> list[_Figure]:
    """All declared metrics except the audit's; they are split by segments later, and by parts of a listing here."""
    everything = F.lit(True)
    by_model = F.col("category_source") == CategorySource.MODEL.value
    action = F.col("category_action")
    corrected = action == CategoryAction.CORRECTED.value
    wrong_before = expected_wrong()
    wrong_left = 1 - F.col("category_confidence")
    whole: dict[str, tuple[Column, Column]] = {
        "listings": (everything, everything),
        "kept_share": (action == CategoryAction.KEPT.value, everything),
        "corrected_share": (corrected, everything),
        "referred_share": (action == CategoryAction.REFERRED.value, everything),
        "flagged_share": (F.size("reasons") > 0, everything),
        "category_error_rate_before": (wrong_before, everything),
        "category_error_rate_left": (wrong_left, everything),
        "expected_error_before": (wrong_before, everything),
        "expected_error_left": (wrong_left, everything),
        "wrong_correction_share": (
            F.when(corrected & by_model, F.col("label_posterior")).otherwise(0.0),
            F.col("in_taxonomy"),
        ),
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
        if MetricSource.COUNT in metric.sources
        for dimension in metric.dimensions
        for segment, part in parts.get(dimension, {}).items()
    ]


def _row(figure: _Figure, i: int) -> Column:
    """The row of a figure for a segment; null if the metric is not split by it or no listing counts."""
    numerator, denominator = from_units(F.col(f"numerator_{i}")), F.col(f"denominator_{i}")
    is_split = figure.dimension == "all"
    segment = (F.col("dimension"), F.col("segment")) if is_split else (F.lit(figure.dimension), F.lit(figure.segment))
    dimensions = figure.metric.dimensions if is_split else ("all",)
    applies = F.col("dimension").isin(*dimensions) & (denominator > 0)
    [source] = (source for source in figure.metric.sources if source is not MetricSource.AUDIT)
    divisor = denominator if figure.metric.denominator else None
    return F.when(applies, metric_row(figure.metric, source, segment, numerator, divisor))


def _flag_counts(reason: Reason, i: int) -> dict[str, Column]:
    """How many flags of a reason people have answered, how many of them were right, and how many flags there are."""

    def answered(*statuses: ItemStatus) -> Column:
        """Whether the newest answer about the reason has one of the statuses; answers are sorted, newest first."""
        about = F.filter("answers", lambda answer: answer["reason"] == reason.value)
        return F.coalesce(F.get(about, F.lit(0))["status"].isin(*(each.value for each in statuses)), F.lit(False))

    right = answered(ItemStatus.ACCEPTED, ItemStatus.RESOLVED)
    decided = answered(ItemStatus.ACCEPTED, ItemStatus.RESOLVED, ItemStatus.REJECTED)
    return {
        f"flag_right_{i}": F.count_if(right),
        f"flag_decided_{i}": F.count_if(decided),
        f"flag_any_{i}": F.count_if(decided | F.array_contains("reasons", reason.value)),
    }


def _flag_row(reason: Reason, i: int) -> Column:
    counts = F.col(f"flag_right_{i}"), F.col(f"flag_decided_{i}"), F.col(f"flag_any_{i}")
    segment = (F.lit("reason"), F.lit(reason.value))
    return precision_row(METRICS["flag_precision"], MetricSource.DECISIONS, segment, *counts)


def _share_row(share: ShareEstimate) -> Column:
    """The estimated share of wrong labels. It comes from the model: no listing adds to it."""
    lower, upper = share.interval
    everything = (F.lit("all"), F.lit("all"))
    bounds = (F.lit(lower), F.lit(upper))
    metric = METRICS["wrong_label_share"]
    return metric_row(metric, MetricSource.EVIDENCE, everything, F.lit(share.value), None, bounds, share.source)
