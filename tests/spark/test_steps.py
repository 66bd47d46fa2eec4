from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.flag import Limits, Present, find_reasons, flagged_items, mismatch_probability
from jobs.cleaning.steps.history import correction_events
from jobs.cleaning.steps.selection import newest_change, reusable_predictions, split_usable, to_check, unscored
from jobs.cleaning.steps.sellers import seller_rates
from tests.spark.frames import frame, rows_of
from udfs import consistency

DATE = dt.date(2026, 1, 5)

RANKED = "array<struct<category: string, probability: double>>"


def test_a_seller_who_contradicts_the_model_gets_a_high_rate(spark: SparkSession) -> None:
    weighed = frame(
        spark,
        "seller_id string, label_support double, other_support double",
        *[("good", 0.95, 0.01)] * 20,
        *[("bad", 0.02, 0.3)] * 20,
        *[("new", 0.02, 0.3)],
        *[(None, 0.02, 0.3)] * 3,
    )
    start = frame(spark, "seller_id string, error_rate double")
    rates = seller_rates(weighed, start, overall=0.2, factor=1.0, prior_listings=4.0, hysteresis=1.0)
    got = {r.seller_id: r for r in rates.collect()}
    assert set(got) == {"good", "bad", "new"}
    assert got["good"].error_rate == pytest.approx(4 * 0.2 / 24, abs=0.005)
    assert got["bad"].error_rate == pytest.approx((20 + 0.8) / 24, abs=0.01)
    assert got["new"].error_rate == pytest.approx((1 + 0.8) / 5, abs=0.07)
    assert got["new"].upper - got["new"].lower > got["good"].upper - got["good"].lower
    assert (got["good"].listings, got["new"].listings) == (20, 1)
    half = {r.seller_id: r for r in seller_rates(weighed, start, 0.2, 0.5, 4.0, 1.0).collect()}
    # At that rate 0.91 of each label is wrong, of which half counts.
    assert half["bad"].error_rate == pytest.approx((20 * 0.5 * 0.91 + 0.8) / 24, abs=0.005)


def test_a_published_rate_stands_while_the_estimate_is_near(spark: SparkSession) -> None:
    weighed = frame(spark, "seller_id string, label_support double, other_support double", *[("s", 0.9, 0.02)] * 50)
    near = frame(spark, "seller_id string, error_rate double", ("s", 0.03))
    far = frame(spark, "seller_id string, error_rate double", ("s", 0.9))
    assert rows_of(seller_rates(weighed, near, 0.2, 1.0, 4.0, 1.0), "error_rate") == [(0.03,)]
    [(moved,)] = rows_of(seller_rates(weighed, far, 0.2, 1.0, 4.0, 1.0), "error_rate")
    assert moved < 0.03


def test_reasons_say_all_that_the_row_shows(spark: SparkSession) -> None:
    ddl = (
        "listing_id string, category string, in_taxonomy boolean, best_category string, category_action string, "
        "category_source string, category_confidence double, touches_sensitive boolean, title string, "
        "image_status string, mismatch double, novel boolean"
    )
    decided = frame(
        spark,
        ddl,
        ("fine", "boots", True, "boots", "kept", "seller", 0.99, False, "Boots", "ok", 0.01, False),
        ("fixed", "boots", True, "shoes", "corrected", "model", 0.97, False, "Shoes", "blank", 0.9, False),
        ("unsure", "boots", True, "shoes", "referred", "seller", 0.3, False, None, "missing", None, False),
        ("doubt", "boots", True, "boots", "referred", "seller", 0.7, False, "n/a", "corrupt", None, False),
        ("none", None, False, "boots", "referred", "model", 0.6, False, "Boots", "ok", 0.2, False),
        ("odd", "bootz", False, "boots", "corrected", "model", 0.99, False, "Boots", "too_large", None, False),
        ("private", "bra", True, "boots", "referred", "seller", 0.1, True, "Boots", "ok", 0.0, False),
        ("reviewed", None, False, "boots", "corrected", "reviewer", 1.0, False, "Boots", "ok", 0.0, False),
        ("new", "boots", True, "boots", "referred", "seller", 0.99, False, "Qux", "ok", 0.0, True),
    )
    limits = Limits(mismatch_at_least=0.5, refer_below=0.9, queue_from=2.0, audit_chance=0.0)
    got = find_reasons(decided, limits, present=Present(titles=True, pictures=True), run_date=DATE)
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
    bare = find_reasons(decided, limits, Present(titles=False, pictures=False), run_date=DATE)
    assert rows_of(bare.where("listing_id = 'unsure'"), "reasons") == [(["wrong_category"],)]
    # The queue is filled up with what is least certain, kept or corrected, and never with what a person has decided.
    filled = find_reasons(
        decided, replace(limits, queue_from=0.01), present=Present(titles=True, pictures=True), run_date=DATE
    )
    asked = {row.listing_id for row in filled.collect() if "low_confidence" in row.reasons}
    assert asked == {"fine", "fixed", "doubt", "none", "odd", "new"}
    drawn = find_reasons(
        decided, replace(limits, audit_chance=1.0), present=Present(titles=True, pictures=True), run_date=DATE
    )
    assert {row.listing_id for row in drawn.collect() if "audit_sample" not in row.reasons} == {"reviewed"}


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        (None, None),
        ("", "uninformative_title"),
        ("  N/A ", "uninformative_title"),
        ("???", "uninformative_title"),
        ("12345", "uninformative_title"),
        ("aaaa", "uninformative_title"),
        ("Test", "uninformative_title"),
        ("Test tube holder", None),
        ("Robe d'été", None),
        ("鞋", None),
    ],
)
def test_titles_that_say_nothing(spark: SparkSession, title: str | None, reason: str | None) -> None:
    got = frame(spark, "title string", (title,)).select(consistency.uninformative_title(F.col("title")).alias("reason"))
    assert rows_of(got, "reason") == [(reason,)]


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
        ("drawn", ["audit_sample"], suggestions, 1.0, None, "h", False),
        ("fine", [], suggestions, 1.0, None, "h", False),
    )
    since = "listing_id string, status string, first_run_date date"
    before = frame(spark, since, ("old", "open", dt.date(2026, 1, 1)))
    got = flagged_items(decided, before, dt.date(2026, 1, 5), suggestions=2, audit_chance=0.25)
    assert rows_of(got, "listing_id", "first_run_date", "explanation", "status") == [
        ("drawn", dt.date(2026, 1, 5), "drawn at random to measure how right the catalogue is", "open"),
        ("new", dt.date(2026, 1, 5), "there is no picture", "open"),
        (
            "old",
            dt.date(2026, 1, 1),
            (
                "the text and picture speak against the seller's category, not surely enough to correct it; "
                "most of its words are new: perhaps it fits no category, or is a new kind of listing"
            ),
            "open",
        ),
    ]
    assert {r.listing_id: r.priority for r in got.collect()} == pytest.approx({"drawn": 0.35, "new": 0.2, "old": 0.8})
    assert {r.listing_id: r.audit_chance for r in got.collect()} == {"drawn": 0.25, "new": None, "old": None}
    assert {tuple(c["category"] for c in r.suggested_categories) for r in got.collect()} == {("a", "b")}


def test_corrections_are_the_difference_of_two_publications(spark: SparkSession) -> None:
    ddl = (
        "listing_id string, category string, effective_category string, category_source string, "
        "category_confidence double"
    )
    before = frame(
        spark,
        ddl,
        ("same", "a", "b", "model", 0.9),
        ("other", "a", "b", "model", 0.9),
        ("ended", "a", "b", "model", 0.9),
        ("gone", "a", "b", "reviewer", 1.0),
        ("begins", "a", "a", "seller", 0.9),
    )
    now = frame(
        spark,
        ddl,
        ("same", "a", "b", "model", 0.8),
        ("other", "a", "c", "reviewer", 1.0),
        ("ended", "b", "b", "seller", 0.9),
        ("begins", None, "b", "model", 0.95),
        ("agreed", "a", "a", "reviewer", 1.0),
    )
    got = correction_events(now, before)
    assert rows_of(got, "listing_id", "event", "seller_category", "corrected_category", "confidence", "decided_by") == [
        ("begins", "begun", None, "b", 0.95, "model"),
        ("ended", "ended", "a", "b", None, "model"),
        ("gone", "ended", "a", "b", None, "reviewer"),
        ("other", "changed", "a", "c", 1.0, "reviewer"),
    ]


def test_only_predictions_of_the_present_content_and_model_are_kept(spark: SparkSession) -> None:
    listings = frame(spark, "listing_id string, content_hash string", ("a", "h1"), ("b", "h2"), ("c", "h1"))
    predictions = frame(
        spark,
        "listing_id string, content_hash string, model_version string",
        ("a", "h1", "2"),
        ("b", "h1", "2"),
        ("c", "h1", "1"),
    )
    kept = reusable_predictions(predictions, listings, "2")
    assert rows_of(kept, "listing_id") == [("a",)]
    assert rows_of(unscored(listings, kept), "listing_id", "content_hash") == [("b", "h2"), ("c", "h1")]


def test_of_several_changes_the_newest_row_is_scored(spark: SparkSession) -> None:
    changes = frame(
        spark,
        "listing_id string, content_hash string, price double, _commit_version bigint",
        ("a", "h1", 1.0, 3),
        ("a", "h2", 2.0, 4),
        ("a", "h2", 3.0, 5),
        ("b", "h1", 1.0, 4),
    )
    wanted = frame(spark, "listing_id string, content_hash string", ("a", "h2"))
    assert rows_of(newest_change(changes, wanted), "listing_id", "content_hash", "price") == [("a", "h2", 3.0)]


def test_rows_that_cannot_be_used_are_quarantined_with_all_their_reasons(spark: SparkSession) -> None:
    listings = frame(
        spark,
        "listing_id string, updated_at timestamp, content_hash string, bucket int",
        ("a", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "h", 1),
        (" ", None, "h", 1),
        ("c", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "h", None),
    )
    good, bad = split_usable(listings)
    assert rows_of(good, "listing_id") == [("a",)]
    assert rows_of(bad, "listing_id", "reasons") == [
        (" ", ["missing_listing_id", "missing_updated_at"]),
        ("c", ["malformed_row"]),
    ]


def test_the_input_gate_sees_what_is_quarantined_and_what_is_empty(spark: SparkSession) -> None:
    good = frame(
        spark,
        "listing_id string, title string, description string, image_hash string",
        ("titled", "Boots", None, None),
        ("described", " ", "Of leather", None),
        ("pictured", None, "", "ab12"),
        ("empty", None, " ", None),
    )
    bad = frame(spark, "listing_id string, reasons array<string>", ("broken", ["malformed_row"]))
    assert rows_of(to_check(good, bad), "listing_id", "quarantined", "empty") == [
        ("broken", 1, 0),
        ("described", 0, 0),
        ("empty", 0, 1),
        ("pictured", 0, 0),
        ("titled", 0, 0),
    ]
