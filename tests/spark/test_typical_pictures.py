"""The pictures that are shown beside one that may not fit."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.reviewing.typical import typical_pictures
from tests.spark.frames import frame


def test_the_best_fitting_pictures_of_a_sure_category_are_shown(spark: SparkSession) -> None:
    items = frame(
        spark,
        "reasons array<string>, effective_category string",
        (["image_mismatch", "duplicate"], "boots"),
        (["image_mismatch"], "hats"),
        (["duplicate"], "bags"),
    )
    clean = frame(
        spark,
        "listing_id string, title string, effective_category string, category_confidence double, "
        "mismatch_probability double",
        ("b4", "fourth", "boots", 0.99, 0.3),
        ("b2", "second", "boots", 0.9, 0.02),
        ("b3", "third", "boots", 0.95, 0.02),
        ("b1", "first", "boots", 0.99, 0.01),
        ("unsure", None, "boots", 0.89, 0.0),
        ("no picture", None, "boots", 0.99, None),
        ("bag", None, "bags", 0.99, 0.0),
    )
    found = typical_pictures(items, clean, ("listing_id", "title")).collect()
    shown = {row.effective_category: [tuple(each.listing) for each in row.fitting] for row in found}
    assert shown == {"boots": [("b1", "first"), ("b2", "second"), ("b3", "third")]}
