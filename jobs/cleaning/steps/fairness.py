"""Flags the segments of the catalogue that cleaning treats worse than the rest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.cleaning.steps.metric_rows import metric_row
from schemas.metrics import FAIR_DIMENSIONS, METRICS, MetricSource
from udfs.disparities import FOUND, compare_segments


class FairnessTest(NamedTuple):
    """A rate by which segments are compared.

    Attributes:
        metric: name of the flag's metric.
        source: where the counts come from.
        wrong, listings: their columns.
    """

    metric: str
    source: MetricSource
    wrong: Column
    listings: Column


def fairness_rows(segments: DataFrame, tests: Sequence[FairnessTest]) -> DataFrame:
    """Add `fairness`: rows of quality_metrics about all segments of the row's dimension, in its first row; else null.

    Args:
        segments: one row per segment: dimension, segment and the columns of the tests.
        tests: the rates to compare.
    """
    whole = Window.partitionBy("dimension")
    is_fair = F.col("dimension").isin(*FAIR_DIMENSIONS)
    counts = (F.struct(t.wrong.cast("double"), t.listings.cast("bigint")) for t in tests)
    own = F.struct("segment", F.array(*counts).alias("counts"))
    all_ = F.sort_array(F.collect_list(F.when(is_fair, own)).over(whole))
    is_first = is_fair & (F.col("segment") == F.min("segment").over(whole))
    families = len(FAIR_DIMENSIONS) * len({test.metric for test in tests})

    compare = F.udf(partial(compare_segments, families=families), FOUND)
    found = segments.withColumn("found", compare(F.when(is_first, all_)))
    flags = (_flags(test, i) for i, test in enumerate(tests))
    return found.withColumn("fairness", F.concat(*flags)).drop("found")


def _flags(test: FairnessTest, place: int) -> Column:
    """The rows of a rate."""

    def row(found: Column) -> Column:
        segment = (F.col("dimension"), found["segment"])
        return metric_row(METRICS[test.metric], test.source, segment, found["worse"], None, basis=found["basis"])

    return F.transform(F.filter("found", lambda found: found["rate"] == place), row)
