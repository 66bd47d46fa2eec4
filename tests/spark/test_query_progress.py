"""A long query tells how far it is, and a short one nothing."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from jobs.console.query_progress import told_progress

_MESSAGE = r"(\d+) of (\d+) tasks done, (\d+) rows read"


def test_a_long_query_tells_how_many_tasks_are_done_and_rows_are_read(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(0, 40, 1, 4).write.parquet(str(tmp_path / "rows"))
    rows = spark.read.parquet(str(tmp_path / "rows")).repartition(4, "id")

    def wait(batches: Iterable[pd.DataFrame]) -> Iterable[pd.DataFrame]:
        for batch in batches:
            time.sleep(1.5)
            yield batch

    told: list[str] = []
    with told_progress(spark, told.append, every=0.3):
        assert rows.mapInPandas(wait, "id long").count() == 40
    figures = [re.fullmatch(_MESSAGE, message) for message in told]
    assert told
    assert all(figures)
    assert any(found[2] == "4" and int(found[3]) > 0 for found in figures if found)
    assert all(before != after for before, after in pairwise(told)), "what has not changed is not told again"
    assert "query progress" not in {thread.name for thread in threading.enumerate()}


def test_a_short_query_tells_nothing(spark: SparkSession) -> None:
    told: list[str] = []
    with told_progress(spark, told.append, every=30.0):
        assert spark.range(10).count() == 10
    assert told == []
