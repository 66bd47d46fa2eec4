"""The rows of the table quality_metrics, from the sums of each segment of the catalogue.

There are a few hundred segments, so this is plain Python in one task: as column expressions, planning it would take
longer than cleaning a small catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.estimates import ShareEstimate
from schemas.metrics import (
    CORRECTIONS_WORSE,
    ERROR_LEFT,
    ERRORS_WORSE,
    FAIR_DIMENSIONS,
    METRICS,
    NO_CATEGORY,
    Metric,
    MetricSource,
)
from udfs.audit_bounds import estimate_errors
from udfs.disparities import compare_segments

UNITS = 1 << 24
"""Sums of fractions are whole numbers of this part."""

COLUMNS = ("metric", "dimension", "segment", "value", "numerator", "denominator", "lower", "upper", "source", "basis")
"""The columns of quality_metrics, without the run's."""

Row = dict[str, Any]
Segment = Mapping[str, Any]
_NUMBERS = {"value", "numerator", "denominator", "lower", "upper"}
_SCHEMA = pa.schema([(name, pa.float64() if name in _NUMBERS else pa.string()) for name in COLUMNS])


@dataclass(frozen=True)
class Figure:
    """A metric of the whole catalogue or of one segment.

    Attributes:
        metric: the declaration.
        dimension, segment: part of a listing that the figure is about, such as a reason; "all" if it is split by
            segments.
    """

    metric: Metric
    dimension: str = "all"
    segment: str = "all"


def make_quality_rows(
    figures: Sequence[Figure], reasons: Sequence[str], share: ShareEstimate | None
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Make a function for `mapInArrow` that returns rows of quality_metrics with `COLUMNS`; see `quality_rows`."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        segments = [row for batch in batches for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(quality_rows(segments, figures, reasons, share), _SCHEMA)

    return make


def quality_rows(
    segments: Sequence[Segment], figures: Sequence[Figure], reasons: Sequence[str], share: ShareEstimate | None
) -> list[Row]:
    """The figures of all segments. A figure whose denominator is 0 has no row.

    Args:
        segments: dimension, segment, published_listings, and the sums: numerator_I (in parts of 1 / `UNITS`; null:
            none) and denominator_I of the figure at place I, flag_right_I, flag_decided_I and flag_any_I of the reason
            at place I, and those of `jobs.cleaning.steps.audit_figures.audit_counts`.
        figures: what numerator_I and denominator_I are sums of.
        reasons: the reasons.
        share: the model's `NoiseModel.share`; None: it has no metric.
    """
    rows: list[Row | None] = []
    for each in segments:
        rows += [_figure_row(figure, i, each) for i, figure in enumerate(figures)]
        rows += _audit_rows(each)
        if each["dimension"] == "all":
            rows += [_flag_row(reason, i, each) for i, reason in enumerate(reasons)]
            rows += _correction_rows(each)
            rows.append(_share_row(share) if share else None)
    rows += _fairness_rows(segments, {figure.metric.name: i for i, figure in enumerate(figures)})
    return [row for row in rows if row is not None]


def _row(
    metric: Metric,
    source: MetricSource,
    segment: tuple[str, str],
    numerator: float | None,
    denominator: float | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
    basis: str | None = None,
) -> Row:
    """A row of quality_metrics; without a denominator, the value is the numerator itself."""
    share = numerator if numerator is None or denominator is None else numerator / denominator
    values = (metric.name, *segment, share, numerator, denominator, *bounds, source.value, basis)
    return dict(zip(COLUMNS, values, strict=True))


def _sum(segment: Segment, i: int) -> float | None:
    total = segment[f"numerator_{i}"]
    return None if total is None else total / float(UNITS)


def _figure_row(figure: Figure, i: int, segment: Segment) -> Row | None:
    """The row of a figure for a segment; None if the metric is not split by it or no listing counts."""
    is_split = figure.dimension == "all"
    place = (segment["dimension"], segment["segment"]) if is_split else (figure.dimension, figure.segment)
    dimensions = figure.metric.dimensions if is_split else ("all",)
    listings = segment[f"denominator_{i}"]
    if segment["dimension"] not in dimensions or listings == 0:
        return None
    [source] = (source for source in figure.metric.sources if source is not MetricSource.AUDIT)
    return _row(figure.metric, source, place, _sum(segment, i), listings if figure.metric.denominator else None)


def _audit_rows(segment: Segment) -> list[Row | None]:
    """What the audit says of errors before and after cleaning and of wrong corrections, with exact 95 % bounds."""
    place, audited, listings = (segment["dimension"], segment["segment"]), segment["audited"], segment["listings"]
    count = _row(METRICS["audited_listings"], MetricSource.COUNT, place, audited)
    rows: list[Row | None] = [count if listings else None]
    # People may have moved listings out of the category in which the audit judges them.
    for name, among, known in (
        ("before", listings, segment["known_wrong_before"]),
        ("left", segment["published_listings"], -segment["put_right_since"]),
    ):
        found = estimate_errors(segment[f"audited_wrong_{name}"], audited, segment["sampled_from"])
        if found and among:
            errors, lower, upper = (max(known + each, 0.0) for each in found)
            metric = METRICS[f"category_error_rate_{name}"]
            rows.append(_row(metric, MetricSource.AUDIT, place, errors, among, (lower / among, upper / among)))
    labels = segment["labels_sampled_from"]
    if found := estimate_errors(segment["audited_wrong_corrections"], segment["audited_labels"], labels):
        errors, lower, upper = found
        metric = METRICS["wrong_correction_share"]
        rows.append(_row(metric, MetricSource.AUDIT, place, errors, labels, (lower / labels, upper / labels)))
    return rows


def _correction_rows(segment: Segment) -> list[Row | None]:
    metric, place = METRICS["correction_precision"], (segment["dimension"], segment["segment"])
    by_decisions = [segment[f"corrections{name}"] for name in ("_decided_right", "_decided", "")]
    by_audit = [segment[f"corrections_{name}"] for name in ("audited_right", "audited", "sampled_from")]
    return [
        _precision_row(metric, MetricSource.DECISIONS, place, *by_decisions),
        _precision_row(metric, MetricSource.AUDIT, place, *by_audit),
    ]


def _flag_row(reason: str, i: int, segment: Segment) -> Row | None:
    counts = [segment[f"flag_{name}_{i}"] for name in ("right", "decided", "any")]
    return _precision_row(METRICS["flag_precision"], MetricSource.DECISIONS, ("reason", reason), *counts)


def _precision_row(
    metric: Metric, source: MetricSource, place: tuple[str, str], right: int, decided: int, all_: int
) -> Row | None:
    """The row of a precision, with exact 95 % bounds; None with fewer than `MIN_AUDITED` decided ones.

    Args:
        metric: the declaration.
        source: one of its sources.
        place: dimension and segment of the row.
        right: number of decided ones that are right.
        decided: number of decided ones.
        all_: number of all, decided or not.
    """
    found = estimate_errors(right, decided, all_)
    if found is None:
        return None
    _, lower, upper = found
    return _row(metric, source, place, float(right), decided, (lower / all_, upper / all_))


def _share_row(share: ShareEstimate) -> Row:
    """The estimated share of wrong labels. It comes from the model: no listing adds to it."""
    metric = METRICS["wrong_label_share"]
    everything = ("all", "all")
    return _row(metric, MetricSource.EVIDENCE, everything, share.value, None, share.interval, share.source)


def _fairness_rows(segments: Sequence[Segment], places: Mapping[str, int]) -> list[Row]:
    """Which segments are treated worse than the rest, by the model's estimates and by the answers to the audit.

    Args:
        segments: as in `quality_rows`.
        places: metric -> place of its figure.
    """
    left, corrections = places[ERROR_LEFT], places["wrong_correction_share"]

    def counts(segment: Segment) -> list[tuple[float, int]]:
        # The sum is null if no listing of the segment counts.
        return [
            (_sum(segment, left) or 0.0, segment[f"denominator_{left}"]),
            (float(segment["audited_wrong_left"]), segment["audited"]),
            (_sum(segment, corrections) or 0.0, segment[f"denominator_{corrections}"]),
            (float(segment["audited_wrong_corrections"]), segment["audited_labels"]),
        ]

    flags = [
        (METRICS[name], source)
        for name in (ERRORS_WORSE, CORRECTIONS_WORSE)
        for source in (MetricSource.MODEL, MetricSource.AUDIT)
    ]
    families = len(FAIR_DIMENSIONS) * len((ERRORS_WORSE, CORRECTIONS_WORSE))
    rows = []
    for dimension in FAIR_DIMENSIONS:
        # A listing without a category counts as wrong however well it is treated.
        among = (each for each in segments if each["dimension"] == dimension and each["segment"] != NO_CATEGORY)
        compared = [(each["segment"], counts(each)) for each in among]
        for rate, segment, is_worse, basis in compare_segments(compared, families):
            metric, source = flags[rate]
            rows.append(_row(metric, source, (dimension, segment), float(is_worse), basis=basis))
    return rows
