"""The options of the Spark session."""

from __future__ import annotations

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
