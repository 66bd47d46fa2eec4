"""Small data frames from literal rows, and helpers to compare results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession


def frame(spark: SparkSession, ddl: str, *rows: Sequence[Any]) -> DataFrame:
    """A frame of literal rows."""
    return spark.createDataFrame([tuple(row) for row in rows], ddl)


def rows_of(got: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of some columns as sorted tuples."""
    return sorted((tuple(row) for row in got.select(*columns).collect()), key=repr)


def nothing_cached(spark: SparkSession) -> bool:
    """Whether no data frame is cached."""
    return bool(spark._jsparkSession.sharedState().cacheManager().isEmpty())
