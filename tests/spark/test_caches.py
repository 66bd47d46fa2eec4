"""A cached data frame is released by the code that cached it, and no other frame is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.warehouse.caches import cached
from tests.spark.frames import nothing_cached


@pytest.fixture(autouse=True)
def _none_cached(spark: SparkSession) -> Iterator[None]:
    spark.catalog.clearCache()
    yield
    spark.catalog.clearCache()


def _is_cached(frame: DataFrame) -> bool:
    return frame.storageLevel.useMemory


def test_a_cache_is_released_at_the_end(spark: SparkSession) -> None:
    with ExitStack() as at_end:
        one = cached(spark.range(5), at_end)
        two = cached(one.where("id > 2"), at_end)
        assert two.count() == 2
        assert _is_cached(one)
        assert _is_cached(two)
    assert nothing_cached(spark)


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
