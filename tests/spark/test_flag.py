"""The reasons that a listing is flagged for, and the status of its item on the work list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.review_settings import PriorityWeights
from jobs.cleaning.steps.budgets import Budgets
from jobs.cleaning.steps.flag import find_reasons, flagged_items
from jobs.cleaning.steps.quality import POINTS, with_quality
from jobs.cleaning.steps.reason_rules import RuleContext, expected_parts
from jobs.cleaning.steps.reviews import with_answers
from schemas.reasons import WITHHELD
from schemas.tables import FLAGGED_ITEMS
from tests.spark.frames import frame, rows_of

BUDGETS = Budgets(category=10, other=2)
AS_IT_IS = PriorityWeights()
FIRST, DATE = dt.date(2026, 1, 1), dt.date(2026, 1, 5)

PERSONAL = "if(listing_id = 'named', array('email', 'phone'), if(listing_id = 'new', null, array()))"
WORN = "if(listing_id = 'worn', 0.8D, if(listing_id = 'fine', 0.79D, null))"
USUAL = "named_struct('median', 10.0D, 'lower', 8.0D, 'upper', 14.5D, 'listings', 120L)"
RANKED = "array<struct<category: string, probability: double>>"
FLAG_COLUMNS = (
    "listing_id string, category string, in_taxonomy boolean, best_category string, category_action string, "
    "category_source string, category_confidence double, touches_sensitive boolean, title_status string, "
    "image_status string, mismatch_probability double, novel boolean"
)
CONTEXT = RuleContext(
    mismatch_at_least=0.5,
    refer_below=0.9,
    ask_from=2.0,
    titles_expected=True,
    pictures_expected=True,
    prices_expected=True,
    outlier_from=3.0,
    contradicted_from=0.8,
)

DECISIONS = (
    "decision_id string, listing_id string, content_hash string, decision string, reason string, decided_at timestamp, "
    "judged_hash string"
)
FORMATS = "listing_id string, content_hash string, image_format string"
NOON = dt.datetime(2026, 1, 4, 12, tzinfo=dt.UTC)


def unanswered(spark: SparkSession, ddl: str, *rows: Sequence[Any]) -> DataFrame:
    """Listings that no reviewer has answered and that are not drawn for the audit."""
    listings = frame(spark, f"{ddl}, content_hash string", *((*row, f"hash of {row[0]}") for row in rows))
    return with_answers(blameless(listings), frame(spark, DECISIONS))


def blameless(listings: DataFrame) -> DataFrame:
    """Listings with a usual price: none is a duplicate or drawn for the audit, and no correction is withheld.

    Only the one named so has personal data, the new one has no prediction, and one is worn though it is said to be new.
    """
    values = {"price": "9.5D", "price_distance": "0.0D", "usual_price": USUAL, "duplicate_of": "CAST(NULL AS STRING)"}
    values |= {"withheld": "false", "drawn": "false", "personal_data": PERSONAL}
    values |= {"currency": "'EUR'", "effective_category": "'boots'", "condition": "'new'"}
    values |= {"condition_contradiction": WORN, "likely_condition": "'used'"}
    return listings.withColumns({name: F.expr(value) for name, value in values.items()})


def test_a_listing_has_all_reasons_that_apply(spark: SparkSession) -> None:
    decided = unanswered(
        spark,
        FLAG_COLUMNS,
        ("fine", "boots", True, "boots", "kept", "seller", 0.99, False, "ok", "ok", 0.01, False),
        ("fixed", "boots", True, "shoes", "corrected", "model", 0.97, False, "ok", "blank", 0.9, False),
        ("unsure", "boots", True, "shoes", "referred", "seller", 0.3, False, "missing", "missing", None, False),
        ("doubt", "boots", True, "boots", "referred", "seller", 0.7, False, "uninformative", "corrupt", None, False),
        ("none", None, False, "boots", "referred", "model", 0.6, False, "ok", "ok", 0.2, False),
        ("odd", "bootz", False, "boots", "corrected", "model", 0.99, False, "ok", "too_large", None, False),
        ("drawing", "boots", True, "boots", "kept", "seller", 0.99, False, "ok", "unsupported_format", None, False),
        ("private", "bra", True, "boots", "referred", "seller", 0.1, True, "ok", "ok", 0.0, False),
        ("reviewed", None, False, "boots", "corrected", "reviewer", 1.0, False, "ok", "ok", 0.0, False),
        ("new", "boots", True, "boots", "referred", "seller", 0.99, False, "ok", "ok", 0.0, True),
        ("named", "boots", True, "boots", "kept", "seller", 0.99, False, "ok", "ok", 0.01, False),
        ("worn", "boots", True, "boots", "kept", "seller", 1.0, False, "ok", "ok", 0.01, False),
    )
    got = find_reasons(decided, CONTEXT)
    assert {row.listing_id: row.reasons for row in got.collect()} == {
        "fine": [],
        "fixed": ["blank_image", "image_mismatch"],
        "unsure": ["missing_image", "missing_title", "wrong_category"],
        "doubt": ["corrupt_image", "low_confidence", "uninformative_title"],
        "none": ["low_confidence", "missing_category"],
        "odd": ["corrupt_image", "unknown_category"],
        "drawing": ["corrupt_image"],
        "private": ["sensitive_category", "wrong_category"],
        "reviewed": [],
        "new": ["low_confidence"],
        "named": ["personal_data"],
        "worn": ["condition_mismatch"],
    }
    bare = find_reasons(decided, replace(CONTEXT, titles_expected=False, pictures_expected=False))
    assert rows_of(bare.where("listing_id = 'unsure'"), "reasons") == [(["wrong_category"],)]
    # The queue is filled with the least certain listings, kept or corrected, but not with decided ones.
    filled = find_reasons(decided, replace(CONTEXT, ask_from=0.01))
    asked = {row.listing_id for row in filled.collect() if "low_confidence" in row.reasons}
    assert asked == {"fine", "fixed", "doubt", "none", "odd", "drawing", "new", "named"}
    drawn = find_reasons(decided.withColumn("drawn", F.lit(True)), CONTEXT)
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
    rows = zip(title, picture, [1.0] * len(title), strict=True)
    listings = frame(spark, "title_status string, image_status string, price double", *rows)
    assert rows_of(expected_parts(listings), "titles", "pictures") == [expected]


def test_missing_pictures_are_not_flagged_if_few_listings_have_one(spark: SparkSession) -> None:
    ddl = f"{FLAG_COLUMNS}, has_description boolean"
    plain = ("boots", True, "boots", "kept", "seller", 1.0, False, "ok")
    rows = [("pictured", *plain, "ok", None, False, False)]
    rows += [(f"text {n}", *plain, "missing", None, False, False) for n in range(3)]
    decided = unanswered(spark, ddl, *rows)
    [expected] = expected_parts(decided).collect()
    context = replace(CONTEXT, titles_expected=expected.titles, pictures_expected=expected.pictures)
    got = with_quality(find_reasons(decided, context))
    assert {(row.listing_id, *row.reasons, row.quality_score) for row in got.collect()} == {
        (name, 95.0) for name in ("pictured", "text 0", "text 1", "text 2")
    }
    missed = with_quality(find_reasons(decided, CONTEXT)).where("listing_id <> 'pictured'")
    assert {(*row.reasons, row.quality_score) for row in missed.collect()} == {("missing_image", 80.0)}
    parts = missed.select(*POINTS).distinct().collect()
    assert [tuple(row) for row in parts] == [(55.0, 20.0, 0.0, 5.0, 0.0)]


def test_a_flag_keeps_its_first_date(spark: SparkSession) -> None:
    ddl = (
        f"listing_id string, reasons array<string>, suggested_categories {RANKED}, category_confidence double, "
        "mismatch_probability double, content_hash string, novel boolean, category string"
    )
    suggestions = [("a", 0.5), ("b", 0.3), ("c", 0.2)]
    listings = frame(
        spark,
        ddl,
        ("old", ["wrong_category"], suggestions, 0.2, None, "h", True, "boots"),
        ("new", ["missing_image"], suggestions, 0.9, None, "h", True, "boots"),
        ("odd", ["blank_image", "image_mismatch"], suggestions, 0.9, 0.8, "h", True, "boots"),
        ("drawn", ["audit_sample"], suggestions, 1.0, None, "h", False, "boots"),
        ("drawing", ["blank_image", "corrupt_image"], suggestions, 0.9, None, "h", False, "boots"),
        ("named", ["personal_data"], suggestions, 1.0, None, "h", False, "boots"),
        ("fine", [], suggestions, 1.0, None, "h", False, "boots"),
        ("held", ["wrong_category"], suggestions, 0.2, None, "h", False, "boots"),
        ("costly", ["price_outlier"], suggestions, 1.0, None, "h", False, "boots"),
        ("twice", ["duplicate"], suggestions, 1.0, None, "h", False, "boots"),
        ("worn", ["condition_mismatch"], suggestions, 1.0, None, "h", False, "boots"),
    )
    own = {"withheld": F.col("listing_id") == "held", "duplicate_of": F.when(F.col("listing_id") == "twice", "old")}
    own["category_action"] = F.lit("referred")
    decided = with_answers(blameless(listings).withColumns(own), frame(spark, DECISIONS))
    before = items(spark, ("old", "h", ["wrong_category"], "open"), ("fine", "h", ["low_confidence"], "open"))
    formats = frame(spark, FORMATS, ("drawing", "h", "SVG"), ("fine", "h", "PDF"))
    got = flagged_items(decided, before, formats, DATE, 2, 0.25, BUDGETS, AS_IT_IS)
    prices = {row.listing_id: row.suggested_price for row in got.collect() if row.suggested_price is not None}
    assert prices == {"costly": (10.0, 8.0, 14.5, 120)}
    assert rows_of(got, "listing_id", "first_run_date", "explanation", "status") == [
        (
            "costly",
            DATE,
            (
                "the price is missing, impossible, or far from the other prices of its category: half of 120 prices "
                "are between 8.00 and 14.50, the median is 10.00"
            ),
            "open",
        ),
        (
            "drawing",
            DATE,
            "the picture is one flat colour; the picture cannot be read, because its format is SVG",
            "open",
        ),
        ("drawn", DATE, "drawn at random to measure the quality of the catalogue", "open"),
        ("held", DATE, WITHHELD, "open"),
        ("named", DATE, "the text contains an e-mail address and a phone number", "open"),
        ("new", DATE, "there is no picture, or none at its address", "open"),
        (
            "odd",
            DATE,
            "the picture is one flat colour; the picture shows something else than the text and the category say",
            "open",
        ),
        (
            "old",
            FIRST,
            (
                "text and picture suggest another category than the seller's, without enough certainty to correct it; "
                "most of its words are new: perhaps it fits no category, or is a new kind of listing"
            ),
            "open",
        ),
        ("twice", DATE, "an older listing offers the same product (listing_id old)", "open"),
        ("worn", DATE, "words and picture suggest the condition used, and the seller states new", "open"),
    ]
    assert {r.listing_id: r.priority for r in got.collect()} == pytest.approx(
        {"costly": 0.2, "drawing": 0.3, "drawn": 0.35, "held": 0.8, "named": 0.3, "new": 0.2}
        | {"odd": 0.4, "old": 0.8, "twice": 0.2, "worn": 0.3 * 0.8}
    )
    assert rows_of(got.where("audit_chance IS NOT NULL"), "listing_id", "audit_chance") == [("drawn", 0.25)]
    assert {r.listing_id for r in got.where("in_budget").collect()} == {"drawing", "drawn", "held", "odd", "old"}
    assert {tuple(c["category"] for c in r.suggested_categories) for r in got.collect()} == {("a", "b")}


def items(spark: SparkSession, *rows: tuple[str, str, list[str], str]) -> DataFrame:
    """Items of an earlier publication: listing_id, content_hash, reasons, status."""
    values = [
        (name, reasons, [("a", 0.5)], 0.5, "why", 0.25, status, content, FIRST, "night-1", FIRST, True, None)
        for name, content, reasons, status in rows
    ]
    return frame(spark, FLAGGED_ITEMS.ddl, *values)


def test_an_answered_item_stays_with_its_status_until_the_content_changes(spark: SparkSession) -> None:
    answers: dict[str, list[tuple[str, str | None]]] = {
        "accepted": [("accept", None)],
        "rejected": [("reject", None)],
        "set": [("set_category", None)],
        "resolved": [("resolve", "low_confidence")],
        "disagreed": [("reject", "blank_image")],
        "beside": [("accept", None)],
        "skipped": [("skip", None)],
        "edited": [("accept", None)],
        "twice": [("resolve", "blank_image"), ("accept", None)],
        "elsewhere": [("resolve", "missing_title")],
        "unseen": [("accept", None)],
    }
    seen = {"edited": "old hash"}
    decisions = [
        (f"{name} {n}", name, seen.get(name, "hash"), decision, reason, NOON + dt.timedelta(hours=n), None)
        for name, answered in answers.items()
        for n, (decision, reason) in enumerate(answered)
    ]
    # The reasons of tonight's rules; decided categories are not in the queue.
    found = {"beside": ["blank_image"], "skipped": ["low_confidence"], "edited": ["low_confidence"]}
    listings = frame(
        spark,
        f"listing_id string, content_hash string, reasons array<string>, suggested_categories {RANKED}, "
        "category_confidence double, mismatch_probability double, novel boolean, category string",
        *((name, "hash", found.get(name, []), [("b", 0.9)], 0.7, None, False, "boots") for name in answers),
    )
    before = items(
        spark,
        *(
            (name, "hash", ["low_confidence"], "open")
            for name in ("accepted", "rejected", "set", "resolved", "skipped")
        ),
        ("disagreed", "hash", ["blank_image"], "open"),
        ("beside", "hash", ["blank_image", "low_confidence"], "open"),
        ("edited", "old hash", ["low_confidence"], "accepted"),
        ("twice", "hash", ["blank_image", "low_confidence"], "resolved"),
        ("elsewhere", "hash", ["low_confidence"], "open"),
        ("withdrawn", "hash", ["low_confidence"], "accepted"),
    )
    decided = with_answers(blameless(listings), frame(spark, DECISIONS, *decisions))
    decided = decided.withColumn("category_action", F.lit("kept"))
    got = flagged_items(decided, before, frame(spark, FORMATS), DATE, 2, 0.1, BUDGETS, AS_IT_IS)
    assert rows_of(got, "listing_id", "status", "reasons") == [
        ("accepted", "accepted", ["low_confidence"]),
        ("beside", "open", ["blank_image"]),
        ("disagreed", "rejected", ["blank_image"]),
        ("edited", "open", ["low_confidence"]),
        ("rejected", "rejected", ["low_confidence"]),
        ("resolved", "resolved", ["low_confidence"]),
        ("set", "resolved", ["low_confidence"]),
        ("skipped", "open", ["low_confidence"]),
        ("twice", "accepted", ["blank_image", "low_confidence"]),
    ]
    assert rows_of(got.where("in_budget AND status <> 'open'"), "listing_id") == []
    closed = got.where("listing_id = 'accepted'").first()
    assert closed is not None
    # Everything else is unchanged since the review.
    kept = (closed.priority, closed.explanation, closed.audit_chance, closed.first_run_date)
    assert kept == (0.5, "why", 0.25, FIRST)
    published = got.withColumns({"run_id": F.lit("night-2"), "run_date": F.lit(DATE)})
    again = flagged_items(decided, published, frame(spark, FORMATS), DATE, 2, 0.1, BUDGETS, AS_IT_IS)
    assert rows_of(again, *again.columns) == rows_of(got, *again.columns)


def test_a_settled_reason_is_not_raised_again_for_the_content_that_was_seen(spark: SparkSession) -> None:
    plain = ("boots", True, "boots", "referred", "seller", 0.7, False, "missing", "blank", None, False)
    names = ("resolved", "category", "rejected", "edited", "skipped", "accepted")
    listings = frame(spark, f"{FLAG_COLUMNS}, content_hash string", *((name, *plain, "hash") for name in names))
    decisions = frame(
        spark,
        DECISIONS,
        ("1", "resolved", "hash", "resolve", "blank_image", NOON, None),
        ("2", "category", "hash", "resolve", "low_confidence", NOON, None),
        ("3", "rejected", "hash", "reject", "missing_title", NOON, None),
        ("4", "edited", "before", "resolve", "blank_image", NOON, None),
        ("5", "skipped", "hash", "skip", "blank_image", NOON, None),
        ("6", "resolved", "hash", "resolve", "missing_title", NOON, None),
        ("7", "accepted", "hash", "accept", None, NOON, None),
    )
    got = find_reasons(with_answers(blameless(listings), decisions), CONTEXT)
    everything = ["blank_image", "low_confidence", "missing_title"]
    assert rows_of(got, "listing_id", "reasons") == [
        ("accepted", everything),  # the category itself is handled by `decide`
        ("category", ["blank_image", "missing_title"]),
        ("edited", everything),
        ("rejected", ["blank_image", "low_confidence"]),
        ("resolved", ["low_confidence"]),
        ("skipped", everything),
    ]
