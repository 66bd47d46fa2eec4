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
    """People's answers for a random sample. The interval is the sampling error."""
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
        source: what the metric is based on.
    """

    name: str
    unit: str
    meaning: str
    numerator: str
    denominator: str | None
    dimensions: tuple[str, ...]
    source: MetricSource


_SHARE = "share, 0 to 1"
_BY_CATEGORY = ("all", "category")
_LISTINGS = "listings"
_ESTIMATED = (
    "errors counted among the listings that people have decided outside the audit, plus the share of errors among the "
    "audited listings times the number of all other listings"
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
            source=MetricSource.COUNT,
        ),
        Metric(
            name="kept_share",
            unit=_SHARE,
            meaning="listings that keep the seller's category",
            numerator="listings with category_action kept",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.COUNT,
        ),
        Metric(
            name="corrected_share",
            unit=_SHARE,
            meaning="listings whose category was corrected, by the model or by a person",
            numerator="listings with category_action corrected",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.COUNT,
        ),
        Metric(
            name="referred_share",
            unit=_SHARE,
            meaning="listings whose category a person should decide",
            numerator="listings with category_action referred",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.COUNT,
        ),
        Metric(
            name="flagged_share",
            unit=_SHARE,
            meaning="listings on the work list; by reason: listings flagged for that reason, among others or alone",
            numerator="listings with a reason, or with the given one",
            denominator=_LISTINGS,
            dimensions=(*_BY_CATEGORY, "reason"),
            source=MetricSource.COUNT,
        ),
        Metric(
            name="image_status_share",
            unit=_SHARE,
            meaning="listings whose picture has the given status",
            numerator="listings with the given image_status",
            denominator="listings with a prediction",
            dimensions=("image_status",),
            source=MetricSource.COUNT,
        ),
        Metric(
            name="audited_listings",
            unit="listings",
            meaning="listings of the random audit sample that people have answered, with unchanged content",
            numerator=_LISTINGS,
            denominator=None,
            dimensions=("all",),
            source=MetricSource.COUNT,
        ),
        Metric(
            name="audited_error_before",
            unit=_SHARE,
            meaning="listings whose seller's category is wrong, missing or not in the taxonomy, by the audit",
            numerator=_ESTIMATED,
            denominator=_LISTINGS,
            dimensions=("all",),
            source=MetricSource.AUDIT,
        ),
        Metric(
            name="audited_error_left",
            unit=_SHARE,
            meaning="listings that would be published in a wrong category if people had decided none, by the audit",
            numerator=_ESTIMATED,
            denominator=_LISTINGS,
            dimensions=("all",),
            source=MetricSource.AUDIT,
        ),
        Metric(
            name="expected_error_before",
            unit=_SHARE,
            meaning="listings whose seller's category is wrong, missing or not in the taxonomy, as the model expects",
            numerator="sum of the posteriors that the seller's category is wrong; 0 or 1 where a person has decided",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.MODEL,
        ),
        Metric(
            name="expected_error_left",
            unit=_SHARE,
            meaning="listings published in a wrong category, as the model expects",
            numerator="sum of the posteriors that effective_category is wrong; 0 where a person has decided",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.MODEL,
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
            source=MetricSource.EVIDENCE,
        ),
        Metric(
            name="mean_correction_confidence",
            unit="probability, 0 to 1",
            meaning="how sure the corrections are: the mean posterior of the category that is shown",
            numerator="sum of category_confidence of the corrections",
            denominator="listings with category_action corrected",
            dimensions=_BY_CATEGORY,
            source=MetricSource.MODEL,
        ),
        Metric(
            name="mean_quality_score",
            unit="points, 0 to 100",
            meaning="how complete and how surely in the right category the listings are",
            numerator="sum of quality_score, of which the posterior makes up to 60 points",
            denominator=_LISTINGS,
            dimensions=_BY_CATEGORY,
            source=MetricSource.MODEL,
        ),
    )
}
