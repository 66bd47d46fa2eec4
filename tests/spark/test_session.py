"""The options of the Spark session."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import utils
from pyspark.sql import SparkSession


def test_pyspark_does_not_note_for_each_column_where_it_was_written(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would ask the JVM several times for each expression: half of all calls of a night."""
    monkeypatch.setattr(utils, "_enable_debugging_cache", None)
    assert SparkSession.getActiveSession() is spark
    assert not utils.is_debugging_enabled()


def test_a_small_table_that_is_sent_to_all_executors_takes_little_memory(spark: SparkSession) -> None:
    """Spark would choose pages of 16 MB for the heap of a driver; a night sends dozens of such tables."""
    jvm: Any = spark.sparkContext._jvm
    assert jvm.org.apache.spark.SparkEnv.get().memoryManager().pageSizeBytes() == 1024 * 1024
