"""Which decisions are explained, when an explanation still holds, and which listings are examples of a category."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.explain import (
    EXEMPLARS,
    QUESTION,
    decisions_to_explain,
    divide_known,
    exemplars,
    in_parts,
    with_predictions,
)
from schemas.tables import EXPLANATIONS, PREDICTIONS
from tests.spark.frames import frame, rows_of

RANKED = "array<struct<category: string, probability: double>>"
DECIDED = (
    "listing_id string, content_hash string, category string, in_taxonomy boolean, effective_category string, "
    "category_action string, category_source string, reasons array<string>, seller_id string, seller_listings bigint, "
    "error_rate double, label_posterior double, predicted_category string, image_status string, "
    f"suggested_categories {RANKED}"
)
LIKELY = [("shoes", 0.7), ("boots", 0.3)]


def decided(
    listing_id: str, label: str | None, shown: str | None, action: str = "kept", *reasons: str, **more: object
) -> tuple[object, ...]:
    values: dict[str, object] = {
        "listing_id": listing_id,
        "content_hash": "h",
        "category": label,
        "in_taxonomy": label in ("boots", "shoes"),
        "effective_category": shown,
        "category_action": action,
        "category_source": "model" if action == "corrected" else "seller",
        "reasons": list(reasons),
        "seller_id": "s",
        "seller_listings": 30,
        "error_rate": 0.1,
        "label_posterior": 0.95,
        "predicted_category": label,
        "image_status": "ok",
        "suggested_categories": LIKELY,
    }
    return tuple((values | more).values())


def test_decisions_are_explained_until_something_about_them_changes(spark: SparkSession) -> None:
    rows = frame(
        spark,
        DECIDED,
        decided("corrected", "boots", "shoes", "corrected"),
        decided("asked", "shoes", "shoes", "kept", "low_confidence"),
        decided("referred", None, None, "referred", "missing_category", seller_id=None),
        decided("unknown", "foo", "shoes", "referred", "unknown_category", suggested_categories=[]),
        decided("person", "boots", "bags", "corrected", category_source="reviewer"),
        decided("other", "shoes", "shoes", "kept", "missing_image", "audit_sample"),
        decided("fine", "shoes", "shoes"),
    )
    asked = decisions_to_explain(rows, "7").cache()
    columns = ("listing_id", "suggested_category", "suggested_posterior", "seller_error_rate")
    assert rows_of(asked, *columns) == [
        ("asked", "boots", 0.3, 0.1),
        ("corrected", "shoes", 0.7, 0.1),
        ("person", "bags", 0.0, 0.1),
        ("referred", "shoes", 0.7, None),
        ("unknown", None, 0.0, 0.1),
    ]
    values = {name: F.lit(None) for name in EXPLANATIONS.names if name not in QUESTION}
    before = asked.select(*QUESTION).withColumns(values | {"sentence": F.lit("as before")})
    changes = {
        "content_hash": F.when(F.col("listing_id") == "asked", "older").otherwise(F.col("content_hash")),
        "suggested_category": F.when(F.col("listing_id") == "person", None).otherwise(F.col("suggested_category")),
    }
    gone = before.limit(1).withColumn("listing_id", F.lit("no longer asked"))
    kept, new = divide_known(asked, before.withColumns(changes).unionByName(gone))
    assert rows_of(kept, "listing_id", "sentence") == [(i, "as before") for i in ("corrected", "referred", "unknown")]
    assert rows_of(new, "listing_id") == [("asked",), ("person",)]
    assert divide_known(decisions_to_explain(rows, "8"), before)[0].isEmpty()

    predictions = frame(
        spark,
        f"listing_id string, content_hash string, text_top {RANKED}, image_top {RANKED}",
        ("corrected", "h", [("shoes", 0.9), ("boots", 0.1)], None),
        ("asked", "h", [("shoes", 0.9)], [("boots", 0.4)]),
        ("referred", "h", None, [("shoes", 0.6)]),
        ("unknown", "another", [("shoes", 1.0)], None),
    )
    assert {"text_top", "image_top"} <= set(PREDICTIONS.names)
    said = with_predictions(asked, predictions)
    assert rows_of(said, "listing_id", "text_suggested", "text_seller", "image_suggested", "image_seller") == [
        ("asked", 0.0, 0.9, 0.4, 0.0),
        ("corrected", 0.9, 0.1, None, None),
        ("person", None, None, None, None),
        ("referred", None, None, 0.6, None),
        ("unknown", None, None, None, None),
    ]


def test_exemplars_are_few_and_surely_right(spark: SparkSession) -> None:
    wrong = [
        decided("errs", "shoes", "shoes", error_rate=0.3),
        decided("unsure", "shoes", "shoes", label_posterior=0.8),
        decided("disagrees", "shoes", "shoes", predicted_category="boots"),
        decided("flagged", "shoes", "shoes", "kept", "duplicate"),
        decided("nobody", "shoes", "shoes", seller_id=None),
        decided("corrected", "boots", "shoes", "corrected"),
        decided("elsewhere", "boots", "boots"),
    ]
    person = decided("person", "boots", "shoes", "corrected", category_source="reviewer", image_status="missing")
    plain = [decided(f"plain-{n:02}", "shoes", "shoes", image_status="missing") for n in range(EXEMPLARS)]
    shown = [decided(f"shown-{n}", "shoes", "shoes") for n in range(3)]
    asked = frame(spark, "listing_id string, suggested_category string", *((f"q{n}", "shoes") for n in range(9)))
    chosen = exemplars(frame(spark, DECIDED, *wrong, person, *plain, *shown), asked, 0.2)
    ids = [listing_id for (listing_id,) in rows_of(chosen, "listing_id")]
    assert len(ids) == EXEMPLARS
    assert {"person", "shown-0", "shown-1", "shown-2"} <= set(ids)
    assert all(each.startswith(("plain", "shown", "person")) for each in ids)
    again = exemplars(frame(spark, DECIDED, *shown, *plain, person, *wrong).repartition(3), asked, 0.2)
    assert rows_of(again, "listing_id", "suggested_category") == rows_of(chosen, "listing_id", "suggested_category")

    listings, copies = in_parts(asked, chosen, 12_000)
    parts = {part for (part,) in rows_of(listings, "part")}
    assert parts <= {0, 1, 2}
    assert len(parts) > 1
    assert copies.count() == 3 * EXEMPLARS
