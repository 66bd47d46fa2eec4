"""A cached data frame is released by the code that cached it, and no other frame is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.warehouse.caches import cached
from tests.spark.frames import nothing_cached


@pytest.fixture(autouse=True)
def _none_cached(spark: SparkSession) -> Iterator[None]:
    spark.catalog.clearCache()
    yield
    spark.catalog.clearCache()


def _is_cached(frame: DataFrame) -> bool:
    return frame.storageLevel.useMemory


def _source(frame: DataFrame) -> str:
    """What the plan of a frame begins with, by its class in Spark."""
    return str(frame._jdf.queryExecution().analyzed().collectLeaves().head().getClass().getSimpleName())


def test_a_cache_is_released_at_the_end(spark: SparkSession) -> None:
    with ExitStack() as at_end:
        counted = spark.range(5)
        assert counted.count() == 5, "its plan was made before it was cached"
        one = cached(counted, at_end)
        two = cached(one.where("id > 2"), at_end)
        assert cached(two, at_end) is two
        assert [row.id for row in two.join(one, "id").orderBy("id").collect()] == [3, 4]
        assert not nothing_cached(spark)
    assert nothing_cached(spark)


def test_the_plan_of_a_cached_frame_begins_with_the_cache(spark: SparkSession) -> None:
    with ExitStack() as at_end:
        once = spark.range(5).withColumn("half", F.col("id") / 2)
        twice = cached(cached(once, at_end).withColumn("whole", F.col("half") * 2), at_end)
        assert (_source(once), _source(twice.select("id"))) == ("Range", "LogicalRDD")
        executed = twice._jdf.queryExecution().executedPlan().toString()
        assert "InMemoryTableScan" in executed
        assert "Range" not in executed, "neither the cache of the first frame nor what it was computed from"
        assert [row.whole for row in twice.orderBy("id").collect()] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_frame_is_joined_with_itself_without_a_column_by_which_an_earlier_cache_was_sorted(
    spark: SparkSession,
) -> None:
    with ExitStack() as at_end:
        numbers = cached(spark.range(5).withColumn("rest", F.col("id") % 2).orderBy("rest", "id"), at_end)
        ids = cached(numbers.select("id"), at_end)
        pairs = ids.alias("left").join(ids.alias("right"), F.expr("left.id < right.id"))
        assert pairs.count() == 10


def test_a_cache_is_released_after_an_error(spark: SparkSession) -> None:
    def fail() -> None:
        with ExitStack() as at_end:
            cached(spark.range(5), at_end).count()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert nothing_cached(spark)


def test_an_equal_frame_cached_by_other_code_stays_cached(spark: SparkSession) -> None:
    theirs = spark.range(7).persist()
    with ExitStack() as at_end:
        assert cached(spark.range(7), at_end).count() == 7
    assert _is_cached(theirs)
