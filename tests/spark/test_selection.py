"""The columns that a night reads: deciding needs no texts, publishing needs all of them."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, SparkSession

from jobs.cleaning.steps.selection import input_gate_rows, with_texts, without_texts
from tests.spark.frames import frame, rows_of

_WHEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_DDL = (
    "listing_id string, content_hash string, category string, in_taxonomy boolean, seller_id string, price double, "
    "currency string, condition string, exposure double, updated_at timestamp, image_uri string, title string, "
    "description string, image_hash string"
)


def listings(spark: SparkSession, *rows: tuple[str, str | None, str | None, str | None]) -> DataFrame:
    """Listings of the given id, title, description and image_hash."""
    return frame(
        spark,
        _DDL,
        *((row[0], "h", "boots", True, "s", 9.5, "EUR", "new", 7.0, _WHEN, "file:/x", *row[1:]) for row in rows),
    )


def test_texts_are_reduced_to_what_deciding_needs(spark: SparkSession) -> None:
    whole = listings(
        spark,
        ("said", "Boots", "Of leather", "ab"),
        ("nothing", None, None, None),
        ("blank", " ", " ", None),
        ("vague", "n/a", "x", None),
    )
    columns = ["listing_id", "content_hash", "category", "in_taxonomy", "seller_id"]
    reduced = without_texts(whole)
    facts = ["title_status", "price", "currency", "condition", "exposure", "has_description", "has_image"]
    assert reduced.columns == [*columns, *facts]
    assert rows_of(reduced, "listing_id", "title_status", "has_description", "has_image") == [
        ("blank", "empty", False, False),
        ("nothing", "missing", False, False),
        ("said", "ok", True, True),
        ("vague", "uninformative", True, False),
    ]
    shown = ("title", "description", "price", "currency", "updated_at", "image_uri")
    assert rows_of(with_texts(reduced, whole), *columns, *shown) == rows_of(whole, *columns, *shown)


def test_the_input_gate_sees_what_is_quarantined_and_what_is_empty(spark: SparkSession) -> None:
    good = listings(
        spark,
        ("titled", "Boots", None, None),
        ("described", " ", "Of leather", None),
        ("pictured", None, "", "ab12"),
        ("empty", None, " ", None),
    )
    bad = frame(spark, "listing_id string, reasons array<string>", ("broken", ["malformed_row"]))
    assert rows_of(input_gate_rows(without_texts(good), bad), "listing_id", "quarantined", "empty") == [
        ("broken", 1, 0),
        ("described", 0, 0),
        ("empty", 0, 1),
        ("pictured", 0, 0),
        ("titled", 0, 0),
    ]
