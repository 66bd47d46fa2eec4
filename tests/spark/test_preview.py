"""Listings of a publication are counted by posterior, as the run has decided them."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.cleaning.steps.preview import PreviewBin, preview_bins, weakest_categories
from tests.spark.frames import frame

CLEAN = (
    "listing_id string, content_hash string, category string, category_source string, category_confidence double, "
    "best_category string, best_confidence double, rollout_arm string"
)


def test_listings_are_counted_by_what_a_threshold_can_do(spark: SparkSession) -> None:
    rows = [
        ("sure", "boots", "seller", 0.99, "boots", 0.99, "correct"),
        ("unsure", "boots", "seller", 0.6, "boots", 0.6, "correct"),
        ("corrected", "boots", "model", 0.97, "shoes", 0.97, None),
        ("referred", "boots", "seller", 0.2, "shoes", 0.8, "correct"),
        ("answered", "boots", "reviewer", 1.0, "shoes", 0.8, "correct"),
        ("only flagged", "boots", "seller", 0.2, "shoes", 0.8, "flag"),
        ("in shadow", "boots", "seller", 0.2, "shoes", 0.8, "shadow"),
        ("sensitive", "boots", "seller", 0.1, "bras", 0.9, "correct"),
        ("scarce", "boots", "seller", 0.1, "hats", 0.9, "correct"),
        ("novel", "boots", "seller", 0.99, "boots", 0.99, "correct"),
        ("unscored", "boots", "seller", 0.5, "shoes", 0.5, "correct"),
        ("no label", None, "model", 0.97, "shoes", 0.97, "correct"),
        *((f"shoe {i}", "shoes", "seller", 0.99, "shoes", 0.99, "correct") for i in range(5)),
    ]
    clean = frame(spark, CLEAN, *((name, "h", *rest) for name, *rest in rows))
    scored = [(name, "h", best, 0.9 if name == "novel" else 0.1) for name, _, _, _, best, *_ in rows]
    predictions = frame(
        spark,
        "listing_id string, content_hash string, predicted_category string, novelty double",
        *(row for row in scored if row[0] != "unscored"),
        ("corrected", "earlier content", "boots", 0.9),
    )
    names = [("boots", False), ("shoes", False), ("hats", None), ("bras", True)]
    taxonomy = frame(spark, "category string, sensitive boolean", *names)
    bins = preview_bins(
        clean,
        predictions,
        taxonomy,
        sensitive=["bras"],
        novel_above=0.5,
        labelled={"boots": 9, "shoes": 5, "bras": 5, "hats": 4},
        min_listings=5,
        refer_below=0.9,
    )
    found = {each.bin: each for each in (PreviewBin(**row.asDict()) for row in bins.collect())}
    # Unsure, sensitive, scarce, novel and unscored are referred anyway; the one in the shadow is not asked about.
    assert found.pop(None) == PreviewBin(None, 0, 0.0, 0, 0.0, 5)
    assert {i: (each.listings, each.free, each.referred) for i, each in found.items()} == {
        9700: (2, 2, 0),
        8000: (4, 1, 1),
    }


def test_the_categories_with_most_wrong_corrections_come_first(spark: SparkSession) -> None:
    sums = {"heels": (0.5, 1.0, 1.0), "shoes": (0.75, 0.5), "boots": (0.25,), "bags": (1.0, 1.0)}
    rows = [(category, confidence) for category, each in sums.items() for confidence in each]
    corrected = frame(spark, "effective_category string, category_confidence double", *rows)
    found = [tuple(row) for row in weakest_categories(corrected, 3).collect()]
    assert found == [("boots", 1, 0.75, 0.25), ("shoes", 2, 0.75, 0.625), ("heels", 3, 0.5, 2.5 / 3)]
