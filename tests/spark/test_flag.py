"""Which reasons a listing is flagged for, and what becomes of its item on the work list."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.flag import find_reasons, flagged_items, mismatch_probability
from jobs.cleaning.steps.measure import quality_score
from jobs.cleaning.steps.reason_rules import RuleContext, expected_parts
from tests.spark.frames import frame, rows_of
from udfs.titles import is_uninformative

DATE = dt.date(2026, 1, 5)

RANKED = "array<struct<category: string, probability: double>>"
FLAG_COLUMNS = (
    "listing_id string, category string, in_taxonomy boolean, best_category string, category_action string, "
    "category_source string, category_confidence double, touches_sensitive boolean, title_status string, "
    "image_status string, mismatch double, novel boolean"
)
CONTEXT = RuleContext(
    run_date=DATE,
    mismatch_at_least=0.5,
    refer_below=0.9,
    ask_from=2.0,
    audit_chance=0.0,
    titles_expected=True,
    pictures_expected=True,
)


def test_reasons_say_all_that_the_row_shows(spark: SparkSession) -> None:
    decided = frame(
        spark,
        FLAG_COLUMNS,
        ("fine", "boots", True, "boots", "kept", "seller", 0.99, False, "ok", "ok", 0.01, False),
        ("fixed", "boots", True, "shoes", "corrected", "model", 0.97, False, "ok", "blank", 0.9, False),
        ("unsure", "boots", True, "shoes", "referred", "seller", 0.3, False, "missing", "missing", None, False),
        ("doubt", "boots", True, "boots", "referred", "seller", 0.7, False, "uninformative", "corrupt", None, False),
        ("none", None, False, "boots", "referred", "model", 0.6, False, "ok", "ok", 0.2, False),
        ("odd", "bootz", False, "boots", "corrected", "model", 0.99, False, "ok", "too_large", None, False),
        ("private", "bra", True, "boots", "referred", "seller", 0.1, True, "ok", "ok", 0.0, False),
        ("reviewed", None, False, "boots", "corrected", "reviewer", 1.0, False, "ok", "ok", 0.0, False),
        ("new", "boots", True, "boots", "referred", "seller", 0.99, False, "ok", "ok", 0.0, True),
    )
    got = find_reasons(decided, CONTEXT)
    assert {row.listing_id: row.reasons for row in got.collect()} == {
        "fine": [],
        "fixed": ["blank_image", "image_mismatch"],
        "unsure": ["missing_image", "missing_title", "wrong_category"],
        "doubt": ["corrupt_image", "low_confidence", "uninformative_title"],
        "none": ["low_confidence", "missing_category"],
        "odd": ["corrupt_image", "unknown_category"],
        "private": ["sensitive_category", "wrong_category"],
        "reviewed": [],
        "new": ["low_confidence"],
    }
    bare = find_reasons(decided, replace(CONTEXT, titles_expected=False, pictures_expected=False))
    assert rows_of(bare.where("listing_id = 'unsure'"), "reasons") == [(["wrong_category"],)]
    # The queue is filled up with what is least certain, kept or corrected, and never with what a person has decided.
    filled = find_reasons(decided, replace(CONTEXT, ask_from=0.01))
    asked = {row.listing_id for row in filled.collect() if "low_confidence" in row.reasons}
    assert asked == {"fine", "fixed", "doubt", "none", "odd", "new"}
    drawn = find_reasons(decided, replace(CONTEXT, audit_chance=1.0))
    assert {row.listing_id for row in drawn.collect() if "audit_sample" not in row.reasons} == {"reviewed"}


@pytest.mark.parametrize(
    ("title", "picture", "expected"),
    [
        (["ok", "uninformative", "missing", "missing"], ["ok", "missing", "missing", "missing"], (True, False)),
        (["missing", "empty", "empty", "ok"], ["missing", "corrupt", "blank", "missing"], (False, True)),
        ([], [], (False, False)),
    ],
)
def test_a_part_is_expected_where_at_least_half_of_the_listings_have_it(
    spark: SparkSession, title: list[str], picture: list[str], expected: tuple[bool, bool]
) -> None:
    listings = frame(spark, "title_status string, image_status string", *zip(title, picture, strict=True))
    assert rows_of(expected_parts(listings), "titles", "pictures") == [expected]


def test_one_picture_among_texts_is_missed_from_no_other_listing(spark: SparkSession) -> None:
    ddl = f"{FLAG_COLUMNS}, has_description boolean"
    plain = ("boots", True, "boots", "kept", "seller", 1.0, False, "ok")
    rows = [("pictured", *plain, "ok", None, False, False)]
    rows += [(f"text {n}", *plain, "missing", None, False, False) for n in range(3)]
    decided = frame(spark, ddl, *rows)
    [expected] = expected_parts(decided).collect()
    context = replace(CONTEXT, titles_expected=expected.titles, pictures_expected=expected.pictures)
    got = find_reasons(decided, context).withColumn("score", quality_score())
    assert {(row.listing_id, *row.reasons, row.score) for row in got.collect()} == {
        (name, 95.0) for name in ("pictured", "text 0", "text 1", "text 2")
    }
    missed = find_reasons(decided, CONTEXT).withColumn("score", quality_score()).where("listing_id <> 'pictured'")
    assert {(*row.reasons, row.score) for row in missed.collect()} == {("missing_image", 80.0)}


@pytest.mark.parametrize(
    ("title", "uninformative"),
    [
        (None, False),
        ("", True),
        ("  N/A ", True),
        ("???", True),
        ("12345", True),
        ("aaaa", True),
        ("Test", True),
        ("Test tube holder", False),
        ("Robe d'été", False),
        ("鞋", False),
    ],
)
def test_titles_that_say_nothing(spark: SparkSession, title: str | None, uninformative: bool) -> None:
    got = frame(spark, "title string", (title,)).select(is_uninformative(F.col("title")).alias("uninformative"))
    assert rows_of(got, "uninformative") == [(uninformative,)]


def test_the_picture_is_judged_against_text_and_label(spark: SparkSession) -> None:
    ddl = (
        "listing_id string, error_rate double, text_label_support double, text_other_support double, "
        "image_label_ratio double, image_other_ratio double"
    )
    decided = frame(
        spark,
        ddl,
        ("agrees", 0.2, 0.9, 0.05, 8.0, 0.5),
        ("differs", 0.2, 0.9, 0.05, 0.001, 0.5),
        ("none", 0.2, 0.9, 0.05, None, None),
    )
    got = {row.listing_id: row.mismatch for row in mismatch_probability(decided, mismatch_rate=0.03).collect()}
    label = 0.8 * 0.9 / (0.8 * 0.9 + 0.2 * 0.05)
    ratio = label * 0.001 + (1 - label) * 0.5
    assert got["agrees"] < 0.01
    assert got["differs"] == pytest.approx(0.03 / (0.03 + 0.97 * ratio))
    assert got["none"] is None


def test_a_flag_keeps_the_date_since_when_it_stands(spark: SparkSession) -> None:
    ddl = (
        f"listing_id string, reasons array<string>, suggested_categories {RANKED}, category_confidence double, "
        "mismatch double, content_hash string, novel boolean"
    )
    suggestions = [("a", 0.5), ("b", 0.3), ("c", 0.2)]
    decided = frame(
        spark,
        ddl,
        ("old", ["wrong_category"], suggestions, 0.2, None, "h", True),
        ("new", ["missing_image"], suggestions, 0.9, None, "h", True),
        ("odd", ["blank_image", "image_mismatch"], suggestions, 0.9, 0.8, "h", True),
        ("drawn", ["audit_sample"], suggestions, 1.0, None, "h", False),
        ("fine", [], suggestions, 1.0, None, "h", False),
    )
    since = "listing_id string, status string, first_run_date date"
    before = frame(spark, since, ("old", "open", dt.date(2026, 1, 1)))
    got = flagged_items(decided, before, dt.date(2026, 1, 5), suggestions=2, audit_chance=0.25)
    assert rows_of(got, "listing_id", "first_run_date", "explanation", "status") == [
        ("drawn", dt.date(2026, 1, 5), "drawn at random to measure the quality of the catalogue", "open"),
        ("new", dt.date(2026, 1, 5), "there is no picture", "open"),
        (
            "odd",
            dt.date(2026, 1, 5),
            "the picture is one flat colour; the picture shows something else than the text and the category say",
            "open",
        ),
        (
            "old",
            dt.date(2026, 1, 1),
            (
                "text and picture suggest another category than the seller's, without enough certainty to correct it; "
                "most of its words are new: perhaps it fits no category, or is a new kind of listing"
            ),
            "open",
        ),
    ]
    assert {r.listing_id: r.priority for r in got.collect()} == pytest.approx(
        {"drawn": 0.35, "new": 0.2, "odd": 0.4, "old": 0.8}
    )
    assert {r.listing_id: r.audit_chance for r in got.collect()} == {
        "drawn": 0.25, "new": None, "odd": None, "old": None,
    }  # fmt: skip
    assert {tuple(c["category"] for c in r.suggested_categories) for r in got.collect()} == {("a", "b")}
