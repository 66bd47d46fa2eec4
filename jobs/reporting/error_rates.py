"""Error rates by segment: the model's estimates before and after cleaning, and what the audit says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Row

from jobs.cleaning.audit import TOO_FEW, error_rates
from jobs.console.summary import Estimate, Named
from schemas.metrics import ERROR_BEFORE, ERROR_LEFT, MetricSource

MAX_SEGMENTS = 500
"""Maximum number of segments of a dimension, worst first."""


@dataclass(frozen=True)
class SegmentError:
    """The error rates of a segment after cleaning.

    Attributes:
        segment: its code and name.
        listings: number of its listings.
        before, left: the model's estimates of the share of wrong categories before and after cleaning.
        audited: the audit's estimate of the share that is left, with its interval; None with too few audited listings.
    """

    segment: Named
    listings: int
    before: Estimate
    left: Estimate
    audited: Estimate | None

    @property
    def by_audit(self) -> Estimate | str:
        """The audit's estimate, or the words that take its place."""
        return self.audited or TOO_FEW


def read_error_rates(metrics: Sequence[Row], dimension: str, names: Mapping[str, str]) -> list[SegmentError]:
    """Read the error rates of the segments of a dimension.

    Args:
        metrics: rows of quality_metrics of a run.
        dimension: one of those by which the error rates are split, such as category.
        names: code -> name; a segment without one is shown by its code.

    Returns:
        Sorted by the lower bound of the model's estimate of what is left, highest first, so that small segments rank
        lower.
    """
    segments: dict[str, list[Row]] = {}
    for row in metrics:
        if row.dimension == dimension:
            segments.setdefault(row.segment, []).append(row)
    found = []
    for code, rows in segments.items():
        model = error_rates(row for row in rows if row.source != MetricSource.AUDIT)
        audit = error_rates(row for row in rows if row.source == MetricSource.AUDIT)
        sizes = [row.denominator for row in rows if row.denominator and row.source != MetricSource.AUDIT]
        if model.keys() >= {ERROR_BEFORE, ERROR_LEFT}:
            name = Named(code, names.get(code, code))
            left = model[ERROR_LEFT]
            found.append(SegmentError(name, int(sizes[0]), model[ERROR_BEFORE], left, audit.get(ERROR_LEFT)))
    return sorted(found, key=lambda each: (-_lower_bound(each), each.segment.code))[:MAX_SEGMENTS]


def _lower_bound(error: SegmentError) -> float:
    """Wilson's lower bound of the model's estimate."""
    p, n, z = error.left.value, error.listings, 1.96
    return float((p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n))
