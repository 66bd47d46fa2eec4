"""The quality metrics of a publication, each declared once.

`jobs.cleaning.steps.measure` computes the metrics declared here, the tables `metric_definitions` and `quality_metrics`
publish them, and docs/tables.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MetricSource(StrEnum):
    """What a metric is based on (`quality_metrics.source`)."""

    COUNT = "count"
    """A count over the whole catalogue. There is no sampling error and no interval."""
    MODEL = "model"
    """The model's own estimate, a mean of posteriors. No interval, because it does not show how wrong the model is."""
    AUDIT = "audit"
    """People's answers for a random sample. The interval is exact and covers the sampling error."""
    DECISIONS = "decisions"
    """People's decisions, of the work list and others. They are no random sample: the interval covers chance only."""
    EVIDENCE = "evidence"
    """Estimated by the training of the model from what `quality_metrics.basis` names. The interval is two standard
    errors. It does not cover how far the evidence itself may mislead, unless the basis is an audit."""


@dataclass(frozen=True)
class Metric:
    """A published metric.

    Attributes:
        name: as in `quality_metrics.metric`.
        unit: of the value.
        meaning: what the value describes.
        numerator: what is summed.
        denominator: what the sum is divided by; None if the value is the sum itself.
        dimensions: what the metric is split by; `all` is the whole catalogue.
        sources: what the metric is based on; with several, it has a row for each.
    """

    name: str
    unit: str
    meaning: str
    numerator: str
    denominator: str | None
    dimensions: tuple[str, ...]
    sources: tuple[MetricSource, ...]


_SHARE = "share, 0 to 1"
_BY_CATEGORY = ("all", "category")
FAIR_DIMENSIONS = ("department", "language", "seller_size")
"""Dimensions whose segments should be treated alike."""
_BY_SEGMENT = (*_BY_CATEGORY, *FAIR_DIMENSIONS, "rollout_arm")
_LISTINGS = "listings"
_AUDITED = (
    "audit: the errors known from decisions before a listing could be drawn, plus the share of errors among the "
    "audited listings times the number of all other listings"
)

ERROR_BEFORE, ERROR_LEFT = "category_error_rate_before", "category_error_rate_left"
"""The shares of wrong categories before and after cleaning."""
FORMER_NAMES: dict[str, str] = {
    "expected_error_before": ERROR_BEFORE,
    "expected_error_left": ERROR_LEFT,
    "audited_error_before": ERROR_BEFORE,
    "audited_error_left": ERROR_LEFT,
}
"""Metrics of earlier publications -> their present names. The next release no longer publishes the expected ones."""

ERRORS_WORSE, CORRECTIONS_WORSE = "more_errors_left", "more_wrong_corrections"
"""Flags of segments that are treated worse than the rest."""
WORSE_RATIO = 1.25
"""A segment is treated worse only if its rate is so many times the rate of the rest or more. Otherwise every difference
in a large catalogue would count. It is the four-fifths rule of the Uniform Guidelines on Employee Selection Procedures
(1978), turned round."""

MIN_AUDITED = 30
"""A segment with fewer audited listings has no figure of the audit."""

SELLER_SIZES: tuple[tuple[str, int], ...] = (("100+", 100), ("10-99", 10), ("2-9", 2), ("1", 1), ("0", 0))
"""Segments of the dimension seller_size -> the least number of labelled listings of the seller, largest first."""
UNKNOWN = "unknown"
"""The segment of listings without a seller, without a sure language, or from before there were arms."""
NO_CATEGORY = "(none)"
"""The segment of listings without a category, or with one that the taxonomy lacks."""

_WORSE = (
    f"the p-value, corrected for all segments, is below 0.05 and the rate at least {WORSE_RATIO:g} times the rest's"
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="listings",
            unit="listings",
            meaning="listings in the catalogue, without withdrawn and quarantined ones",
            numerator=_LISTINGS,
            denominator=None,
            dimensions=("all",),
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="kept_share",
            unit=_SHARE,
            meaning="listings that keep the seller's category",
            numerator="listings with category_action kept",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="corrected_share",
            unit=_SHARE,
            meaning="listings whose category was corrected, by the model or by a person",
            numerator="listings with category_action corrected",
            denominator=_LISTINGS,
            dimensions=_BY_SEGMENT,
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="referred_share",
            unit=_SHARE,
            meaning="listings whose category a person should decide",
            numerator="listings with category_action referred",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="flagged_share",
            unit=_SHARE,
            meaning="listings on the work list; by reason: listings flagged for that reason, among others or alone",
            numerator="listings with a reason, or with the given one",
            denominator=_LISTINGS,
            dimensions=(*_BY_CATEGORY, "reason"),
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="image_status_share",
            unit=_SHARE,
            meaning="listings whose picture has the given status",
            numerator="listings with the given image_status",
            denominator="listings with a prediction",
            dimensions=("image_status",),
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name="audited_listings",
            unit="listings",
            meaning="listings of the audit sample that people have decided since they were drawn",
            numerator=_LISTINGS,
            denominator=None,
            dimensions=_BY_SEGMENT,
            sources=(MetricSource.COUNT,),
        ),
        Metric(
            name=ERROR_BEFORE,
            unit=_SHARE,
            meaning="listings whose seller's category is wrong, missing or not in the taxonomy",
            numerator=(
                "model: sum of the posteriors that the seller's category is wrong; 0 or 1 where a person has decided; "
                f"{_AUDITED}"
            ),
            denominator=_LISTINGS,
            dimensions=_BY_SEGMENT,
            sources=(MetricSource.MODEL, MetricSource.AUDIT),
        ),
        Metric(
            name=ERROR_LEFT,
            unit=_SHARE,
            meaning="listings published in a wrong category",
            numerator=(
                "model: sum of the posteriors that effective_category is wrong; 0 where a person has decided; audit: "
                "the share of the audited listings that were published in a wrong category before the answer, times "
                "the number of all listings not decided before they could be drawn, less the errors that people have "
                "put right since"
            ),
            denominator=_LISTINGS,
            dimensions=_BY_SEGMENT,
            sources=(MetricSource.MODEL, MetricSource.AUDIT),
        ),
        Metric(
            name="wrong_correction_share",
            unit=_SHARE,
            meaning="sellers' categories that are right, but that the model has replaced",
            numerator=(
                "model: sum of the posteriors that the seller's category is right, of corrections by the model; audit: "
                "the share of such corrections among the audited listings times the number of all from which they were "
                "drawn"
            ),
            denominator="listings with a category of the taxonomy; audit: those of them that could be drawn",
            dimensions=_BY_SEGMENT,
            sources=(MetricSource.MODEL, MetricSource.AUDIT),
        ),
        Metric(
            name=ERRORS_WORSE,
            unit="1 or 0",
            meaning="whether more listings of the segment are left in a wrong category than of the rest, beyond chance",
            numerator=f"1 if so: {_WORSE}",
            denominator=None,
            dimensions=FAIR_DIMENSIONS,
            sources=(MetricSource.MODEL, MetricSource.AUDIT),
        ),
        Metric(
            name=CORRECTIONS_WORSE,
            unit="1 or 0",
            meaning="whether the model replaces more right categories of the segment than of the rest, beyond chance",
            numerator=f"1 if so: {_WORSE}",
            denominator=None,
            dimensions=FAIR_DIMENSIONS,
            sources=(MetricSource.MODEL, MetricSource.AUDIT),
        ),
        Metric(
            name="correction_precision",
            unit=_SHARE,
            meaning="right ones among the corrections of labels of the taxonomy by the model",
            numerator="decided or audited listings whose correction is the category that people decided",
            denominator="listings that were published with a correction before people decided or audited them",
            dimensions=("all",),
            sources=(MetricSource.DECISIONS, MetricSource.AUDIT),
        ),
        Metric(
            name="flag_precision",
            unit=_SHARE,
            meaning="right ones among the flags with the given reason, by the decisions that name this reason",
            numerator="listings whose last decision about the reason is accept or resolve",
            denominator="listings with a decision accept, resolve or reject about the reason",
            dimensions=("reason",),
            sources=(MetricSource.DECISIONS,),
        ),
        Metric(
            name="expected_error_before",
            unit=_SHARE,
            meaning="the former name of category_error_rate_before with source model; the next release drops it",
            numerator="sum of the posteriors that the seller's category is wrong; 0 or 1 where a person has decided",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.MODEL,),
        ),
        Metric(
            name="expected_error_left",
            unit=_SHARE,
            meaning="the former name of category_error_rate_left with source model; the next release drops it",
            numerator="sum of the posteriors that effective_category is wrong; 0 where a person has decided",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.MODEL,),
        ),
        Metric(
            name="wrong_label_share",
            unit=_SHARE,
            meaning=(
                "wrong ones among the sellers' categories of the taxonomy, as estimated when the model was trained; at "
                "least this share if there is no upper end"
            ),
            numerator="the estimated share",
            denominator=None,
            dimensions=("all",),
            sources=(MetricSource.EVIDENCE,),
        ),
        Metric(
            name="mean_correction_confidence",
            unit="probability, 0 to 1",
            meaning="how sure the corrections are: the mean posterior of the category that is shown",
            numerator="sum of category_confidence of the corrections",
            denominator="listings with category_action corrected",
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.MODEL,),
        ),
        Metric(
            name="mean_quality_score",
            unit="points, 0 to 100",
            meaning="how complete and how surely in the right category the listings are",
            numerator="sum of quality_score, of which the posterior makes up to 55 points",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            sources=(MetricSource.MODEL,),
        ),
    )
}
