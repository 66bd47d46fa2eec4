"""Listings that a run does not decide count as a publication shows them."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.keeping import (
    FINDINGS,
    KEPT,
    decided_rows,
    keep_published,
    published_values,
    with_published,
)
from jobs.cleaning.steps.quality import POINTS, QUALITY_COLUMNS
from tests.spark.frames import frame, rows_of

_DECIDED = (
    "effective_category STRING, category_source STRING, category_action STRING, category_confidence DOUBLE, "
    "best_category STRING, best_confidence DOUBLE"
)


def published(spark: SparkSession) -> DataFrame:
    clean = frame(
        spark,
        f"listing_id STRING, content_hash STRING, {_DECIDED}, quality_score DOUBLE, rollout_arm STRING, "
        "language STRING",
        ("kept", "h1", "bags", "seller", "kept", 0.9, "bags", 0.9, 70.0, "flag", "fr"),
        ("fixed", "h1", "hats", "model", "corrected", 0.97, "hats", 0.97, 80.0, None, None),
    )
    items = frame(spark, "listing_id STRING, reasons ARRAY<STRING>", ("fixed", ["low_confidence"]))
    predictions = frame(
        spark,
        "listing_id STRING, content_hash STRING, model_version STRING, predicted_category STRING, image_status STRING",
        ("kept", "h1", "9", "hats", "missing"),
        ("kept", "h1", "10", "bags", "ok"),
        ("kept", "h0", "11", "boots", "blank"),
    )
    parts = {name: F.lit(1.0) for name in POINTS}
    return published_values(clean.withColumns(parts), items, predictions)


def decided(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Rows of listing_id, predicted_category and label_posterior; everything else is decided otherwise."""
    ddl = "listing_id STRING, predicted_category STRING, label_posterior DOUBLE"
    now = {"effective_category": "boots", "category_source": "model", "category_action": "corrected"}
    now |= {"best_category": "boots", "image_status": "blank", "rollout_arm": "correct", "shadow": "shoes"}
    now |= {"language": "de"}
    numbers = dict.fromkeys(("category_confidence", "best_confidence", *QUALITY_COLUMNS), 0.5)
    values = {name: F.lit(value) for name, value in (now | numbers).items()}
    return frame(spark, ddl, *rows).withColumns(
        {**values, "withheld": F.lit(True), "reasons": F.array(F.lit("audit_sample"))}
    )


def test_what_a_publication_shows_replaces_what_was_decided(spark: SparkSession) -> None:
    now = decided(spark, ("kept", None, 0.2), ("fixed", None, 0.2), ("own", "boots", 0.3))
    found = with_published(keep_published(now.join(published(spark), "listing_id", "left")), FINDINGS)
    columns = (
        "effective_category",
        "category_source",
        "best_confidence",
        "predicted_category",
        "rollout_arm",
        "language",
    )
    assert rows_of(found, "listing_id", *columns) == [
        ("fixed", "hats", "model", 0.97, None, None, None),
        ("kept", "bags", "seller", 0.9, "bags", "flag", "fr"),
        ("own", "boots", "model", 0.5, "boots", "correct", "de"),
    ]
    assert rows_of(found, "listing_id", "reasons", "quality_score", "quality_price", "withheld", "shadow") == [
        ("fixed", ["low_confidence"], 80.0, 1.0, False, None),
        ("kept", [], 70.0, 1.0, False, None),
        ("own", ["audit_sample"], 0.5, 0.5, True, "shoes"),
    ]
    own = decided_rows(found)
    assert rows_of(own, "listing_id") == [("own",)]
    assert KEPT not in own.columns


def test_the_posterior_of_a_label_is_that_of_the_publication_unless_judged(spark: SparkSession) -> None:
    now = decided(spark, ("kept", None, 0.2), ("fixed", "hats", 0.2), ("own", None, 0.3))
    found = keep_published(now.join(published(spark), "listing_id", "left"))
    assert rows_of(found, "listing_id", "label_posterior") == [("fixed", 0.2), ("kept", 0.9), ("own", 0.3)]
    now = decided(spark, ("fixed", None, 0.2))
    [(posterior,)] = rows_of(keep_published(now.join(published(spark), "listing_id", "left")), "label_posterior")
    assert round(posterior, 9) == 0.03
