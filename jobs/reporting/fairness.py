"""Segments of the catalogue that cleaning treats worse than the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Row

from schemas.metrics import CORRECTIONS_WORSE, ERRORS_WORSE

FLAGS = {ERRORS_WORSE: "left in a wrong category", CORRECTIONS_WORSE: "right categories replaced"}
"""Metric of a flag -> what happens to the segment more often."""


@dataclass(frozen=True)
class TreatedWorse:
    """A segment that is treated worse than the rest of its dimension beyond chance.

    Attributes:
        dimension, segment: department, language or seller_size, and its value.
        what: what happens to the segment more often.
        source: model or audit.
        comparison: both shares and the p-value in words.
    """

    dimension: str
    segment: str
    what: str
    source: str
    comparison: str


def read_treated_worse(metrics: Iterable[Row]) -> list[TreatedWorse]:
    """The flagged segments among the rows of quality_metrics of a run, sorted; those of the audit come first."""
    found = [
        TreatedWorse(row.dimension, row.segment, FLAGS[row.metric], row.source, row.basis)
        for row in metrics
        if row.metric in FLAGS and row.value == 1
    ]
    return sorted(found, key=lambda each: (each.source, each.dimension, each.segment, each.what))
