"""The quality metrics that a run publishes (`quality_metrics.metric`), for dashboards to read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A published figure: its name, its unit and what it says."""

    name: str
    unit: str
    meaning: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("listings", "count", "listings judged (withdrawn ones are not)"),
        Metric("kept_share", "share", "listings whose seller's category stands"),
        Metric("corrected_share", "share", "listings whose category was put right"),
        Metric("referred_share", "share", "listings whose category a person should decide"),
        Metric("flagged_share", "share", "listings on the work list, for whatever reason; by reason where split"),
        Metric("expected_error_before", "share", "posterior share of wrong, missing or unknown seller's categories"),
        Metric("expected_error_left", "share", "posterior share of wrong effective categories"),
        Metric("mean_correction_confidence", "mean", "mean posterior of the corrections"),
        Metric("mean_quality_score", "mean", "mean quality_score, 0 to 100"),
        Metric("image_status_share", "share", "listings by what became of their picture"),
    )
}
