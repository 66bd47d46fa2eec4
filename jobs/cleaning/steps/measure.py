"""Computes the metrics of a publication that schemas/metrics.py declares, for the whole catalogue and by segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.audit_figures import audit_counts
from jobs.cleaning.steps.segments import add_up, by_segment, group_columns
from jobs.cleaning.steps.sellers import expected_wrong
from jobs.cleaning.steps.sums import sum_in_units
from schemas.estimates import ShareEstimate
from schemas.metrics import METRICS, MetricSource
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, ItemStatus, Reason
from schemas.tables import QUALITY_METRICS
from udfs.quality_rows import COLUMNS, Figure, make_quality_rows


@dataclass(frozen=True)
class _Sum:
    """What is added up for a figure.

    Attributes:
        figure: the figure.
        value: what a listing adds to the numerator; boolean (1 or 0) or double.
        counts: whether a listing is in the denominator; boolean.
    """

    figure: Figure
    value: Column
    counts: Column


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
    reasons, kinds = list(reasons), {column.name: column.type for column in QUALITY_METRICS.columns}
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
    segments = add_up(by_segment(groups, taxonomy), published, list(audit_counts()))
    rows = make_quality_rows([each.figure for each in figures], [reason.value for reason in reasons], share)
    # In one task, because segments are compared with each other.
    return segments.coalesce(1).mapInArrow(rows, ", ".join(f"{name} {kinds[name]}" for name in COLUMNS))


def _figures(reasons: Iterable[Reason]) -> list[_Sum]:
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
    return [_Sum(Figure(METRICS[name]), *columns) for name, columns in whole.items()] + [
        _Sum(Figure(metric, dimension, segment), *part)
        for metric in METRICS.values()
        if MetricSource.COUNT in metric.sources
        for dimension in metric.dimensions
        for segment, part in parts.get(dimension, {}).items()
    ]


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
