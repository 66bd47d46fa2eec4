"""What raises items of the work list where settings name it."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.review_settings import PriorityWeights
from jobs.cleaning.steps.priorities import weigh
from tests.spark.frames import frame, rows_of

DDL = (
    "listing_id string, reasons array<string>, priority double, exposure double, price double, currency string, "
    "touches_sensitive boolean, seller_id string, category string, best_category string"
)


@pytest.fixture(scope="module")
def items(spark: SparkSession) -> DataFrame:
    """Four questions about the category, of which two are alike, and another item."""
    asks, other = ["wrong_category"], ["missing_image"]
    return frame(
        spark,
        DDL,
        ("1", asks, 0.4, None, 10.0, "EUR", False, "s", "boots", "shoes"),
        ("2", asks, 0.4, 5.0, 20.0, "EUR", True, "s", "boots", "shoes"),
        ("3", asks, 0.4, 70.0, 30.0, "EUR", False, "t", "boots", "shoes"),
        ("4", asks, 0.4, 9.0, 5000.0, "JPY", None, "s", "bags", "shoes"),
        ("5", other, 0.3, 900.0, 90.0, "EUR", False, "s", "boots", "shoes"),
    )


@pytest.mark.parametrize(
    ("weights", "priorities"),
    [
        (PriorityWeights(), [0.4, 0.4, 0.4, 0.4, 0.3]),
        (PriorityWeights(exposure=1.0), [0.4, 0.4 * 4 / 3, 0.8, 0.4 * 5 / 3, 0.3]),
        (PriorityWeights(price=0.5), [0.4, 0.5, 0.6, 0.4, 0.3]),
        (PriorityWeights(sensitive=2.0), [0.4, 1.2, 0.4, 0.4, 0.3]),
        (PriorityWeights(alike=1.0), [0.6, 0.6, 0.4, 0.4, 0.3]),
        (PriorityWeights(sensitive=2.0, alike=1.0, price=0.5), [0.6, 1.5, 0.6, 0.4, 0.3]),
    ],
)
def test_each_weight_adds_its_share(items: DataFrame, weights: PriorityWeights, priorities: list[float]) -> None:
    weighed = weigh(items, weights)
    assert weighed.columns == items.columns
    found = rows_of(weighed, "listing_id", "priority")
    assert [name for name, _ in found] == ["1", "2", "3", "4", "5"]
    assert [priority for _, priority in found] == pytest.approx(priorities)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", None])
def test_a_price_that_is_none_raises_no_item(items: DataFrame, price: str | None) -> None:
    is_third = F.col("listing_id") == "3"
    strange = items.withColumn("price", F.when(is_third, F.lit(price).cast("double")).otherwise(F.col("price")))
    found = dict(rows_of(weigh(strange, PriorityWeights(price=1.0)), "listing_id", "priority"))
    assert [found[name] for name in "312"] == pytest.approx([0.4, 0.6, 0.8])
