"""A row of the table quality_metrics as a struct."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.metrics import Metric, MetricSource


def metric_row(
    metric: Metric,
    source: MetricSource,
    segment: tuple[Column, Column],
    numerator: Column,
    denominator: Column | None,
    bounds: tuple[Column, Column] | None = None,
    basis: str | Column | None = None,
) -> Column:
    """A row of quality_metrics, without the run's columns.

    Args:
        metric: the declaration.
        source: one of its sources.
        segment: dimension and segment.
        numerator: the sum.
        denominator: what the sum is divided by, not 0; None: the value is the sum itself.
        bounds: lower and upper end of the interval of the value; None: there is none.
        basis: which evidence, if that is the source, or what a flag compares.
    """
    dimension, name = segment
    lower, upper = bounds or (F.lit(None), F.lit(None))
    total = numerator.cast("double")
    return F.struct(
        F.lit(metric.name).alias("metric"),
        dimension.alias("dimension"),
        name.alias("segment"),
        (total if denominator is None else total / denominator).alias("value"),
        total.alias("numerator"),
        (F.lit(None) if denominator is None else denominator).cast("double").alias("denominator"),
        lower.cast("double").alias("lower"),
        upper.cast("double").alias("upper"),
        F.lit(source.value).alias("source"),
        F.lit(basis).cast("string").alias("basis"),
    )
