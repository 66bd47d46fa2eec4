"""The listings in the category queue."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.cleaning.steps.budgets import Budgets, with_budget
from jobs.cleaning.steps.queue import ErrorBin, error_bins, error_probability, queue_threshold
from tests.spark.frames import frame, rows_of

_DDL = (
    "listing_id string, category_action string, category_source string, category_confidence double, "
    "settled_reasons array<string>"
)


def _decided(spark: SparkSession) -> DataFrame:
    none: list[str] = []
    kept = [(f"kept {n}", "kept", "seller", 1 - n / 1000, none) for n in range(1, 91)]
    corrected = [(f"corrected {n}", "corrected", "model", 1 - (n + 0.5) / 1000, ["blank_image"]) for n in range(1, 6)]
    referred = [(f"referred {n}", "referred", "seller", 0.6, none) for n in range(1, 5)]
    answered = [
        ("decided", "corrected", "reviewer", 0.1, none),
        ("settled", "kept", "seller", 0.2, ["low_confidence"]),
    ]
    return frame(spark, _DDL, *kept, *corrected, *referred, *answered)


def _threshold(decided: DataFrame, share: float) -> float:
    return queue_threshold([ErrorBin(*row) for row in error_bins(decided).collect()], share)


@pytest.mark.parametrize(("share", "filled"), [(0.10, 6), (0.05, 1), (0.99, 95)])
def test_the_queue_holds_the_referred_and_is_filled_with_the_least_certain(
    spark: SparkSession, share: float, filled: int
) -> None:
    decided = _decided(spark)
    asked = decided.where(error_probability() >= _threshold(decided, share))
    others = asked.where("category_action <> 'referred' AND listing_id NOT IN ('decided', 'settled')")
    asked_first = others.orderBy("category_confidence").collect()
    ordered = [row.listing_id for row in decided.orderBy("category_confidence").collect()]
    rest = [name for name in ordered if not name.startswith(("referred", "decided", "settled"))]
    assert [row.listing_id for row in asked_first] == rest[:filled]


def test_referred_listings_alone_may_fill_the_queue(spark: SparkSession) -> None:
    decided = _decided(spark)
    assert decided.where(error_probability() >= _threshold(decided, 0.01)).isEmpty()
    assert queue_threshold([], 0.1) > 1


def test_a_budget_marks_the_most_urgent_items_of_each_queue(spark: SparkSession) -> None:
    items = frame(
        spark,
        "listing_id string, reasons array<string>, priority double, is_referred boolean",
        ("referred", ["wrong_category"], 0.2, True),
        ("sure", ["low_confidence"], 0.1, False),
        ("unsure", ["low_confidence"], 0.9, False),
        ("unsure too", ["low_confidence", "duplicate"], 0.9, False),
        ("blank", ["blank_image"], 0.25, False),
        ("blank too", ["blank_image"], 0.25, True),
        ("drawn", ["audit_sample"], 0.1, False),
        ("doubted", ["audit_sample", "low_confidence"], 0.05, False),
    )
    got = with_budget(items, Budgets(category=2, other=1))
    assert got.columns == [*items.columns, "in_budget"]
    assert rows_of(got.where("in_budget"), "listing_id") == [
        ("blank",), ("doubted",), ("drawn",), ("referred",), ("unsure",),
    ]  # fmt: skip
