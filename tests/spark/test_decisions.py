"""Loading reviewers' decisions, with one row per case."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.ingestion.steps.decisions import (
    fill_in_answers,
    latest_publications,
    read_decisions,
    split_unanswered,
    validate_decisions,
    without_guards,
)
from jobs.lifecycle.pins import Pins
from jobs.reviewing.csv_files import guarded
from jobs.warehouse.inputs import read_pinned
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import REVIEW_DECISIONS
from tests.spark.frames import frame, rows_of

_DDL = (
    "listing_id string, decision string, category string, reason string, reviewer string, decided_at string, "
    "reviewed_run_id string, broken string"
)
_SEEN = (
    "reviewed_run_id string, listing_id string, seen_content_hash string, seen_category string, "
    "seen_best_category string, seen_effective_category string, seen_category_source string, seen_audit_chance double, "
    "seen_judged map<string, string>"
)
_JUDGED = {"category": "judged category", "blank_image": "judged picture"}
_NOW = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
_GOOD: dict[str, Any] = {
    "listing_id": "a", "decision": "set_category", "category": "boots", "reason": None, "reviewer": "ada",
    "decided_at": "2026-01-05T10:00:00Z", "reviewed_run_id": "n-1", "broken": None,
}  # fmt: skip

CASES: dict[str, tuple[dict[str, Any], list[str], str | None]] = {
    "as it should be": ({}, [], "boots"),
    "the suggestion is right": ({"decision": "ACCEPT", "category": None}, [], "shoes"),
    "the seller is right": ({"decision": "reject", "category": None}, [], "sandals"),
    "why it was asked about is the category": ({"reason": "wrong_category"}, [], "boots"),
    "another reason is dealt with": ({"decision": "resolve", "reason": "blank_image", "category": None}, [], None),
    "of the category queue, too": (
        {"decision": "resolve", "reason": "low_confidence", "category": None},
        [],
        None,
    ),
    "the picture is right": ({"decision": "reject", "reason": "image_mismatch", "category": None}, [], None),
    "a category, whatever the reason": ({"reason": "missing_image"}, [], "boots"),
    "no word": ({"decision": "skip", "category": None}, [], None),
    "nobody's": ({"reviewer": " "}, ["missing_reviewer"], "boots"),
    "no time": ({"decided_at": "yesterday"}, ["invalid_decided_at"], "boots"),
    "no listing": ({"listing_id": None}, ["missing_listing_id"], "boots"),
    "never shown": ({"listing_id": "z"}, ["not_published"], "boots"),
    "before all publications": ({"reviewed_run_id": None}, ["not_published"], "boots"),
    "no such category": ({"category": "bootz"}, ["unknown_category"], "bootz"),
    "set, but to nothing": ({"category": None}, ["unknown_category"], None),
    "dealt with, but what": ({"decision": "resolve", "category": None}, ["invalid_decision"], None),
    "no such reason": ({"reason": "ugly"}, ["invalid_decision"], "boots"),
    "no such decision": ({"decision": "perhaps"}, ["invalid_decision"], None),
    "another suggestion": ({"decision": "accept", "category": "boots"}, ["contradicting_category"], "boots"),
    "the suggestion, named": ({"decision": "accept", "category": "shoes"}, [], "shoes"),
    "not the seller's": ({"decision": "reject", "category": "shoes"}, ["contradicting_category"], "shoes"),
    "the seller's, named": ({"decision": "reject", "category": "sandals"}, [], "sandals"),
    "another one, and unknown": (
        {"decision": "reject", "category": "bootz"},
        ["contradicting_category", "unknown_category"],
        "bootz",
    ),
    "of tomorrow": ({"decided_at": "2026-02-02T00:00:00Z"}, [], "boots"),
    "of the day after": ({"decided_at": "2026-02-02T00:00:01Z"}, ["future_decided_at"], "boots"),
    "accepted, but never shown": (
        {"listing_id": "z", "decision": "accept", "category": None},
        ["not_published"],
        None,
    ),
    "never shown, and unknown": (
        {"listing_id": "z", "category": "bootz"},
        ["not_published", "unknown_category"],
        "bootz",
    ),
    "never shown, and set to nothing": (
        {"listing_id": "z", "category": None},
        ["not_published", "unknown_category"],
        None,
    ),
    "nothing was suggested": (
        {"listing_id": "b", "decision": "accept", "category": None},
        ["unknown_category"],
        None,
    ),
    "decided once more": ({"listing_id": "again"}, [], "boots"),
    "taken back": ({"decision": "reopen", "category": None}, [], None),
    "cut off": ({"broken": "a,set_category", "category": None}, ["malformed_row"], None),
    "cannot be read": ({"broken": "x;y", "reviewer": None}, ["malformed_row", "missing_reviewer"], "boots"),
}


def test_only_answers_that_were_given_blind_carry_the_chance_of_the_audit(spark: SparkSession) -> None:
    names = ("listing_id", "decision", "category", "reviewer", "decided_at", "purpose", "batch_id", "broken")
    purposes = (None, "audit", "AUDIT", "work", "known", "second", "play")
    rows = [("a", "set_category", "boots", "ada", "2026-01-05T10:00:00Z", each, "b-1", None) for each in purposes]
    given = frame(spark, ", ".join(f"{name} string" for name in names), *rows).coalesce(1)
    delivered = read_decisions(given, "broken").withColumns(
        {"row_number": F.monotonically_increasing_id(), "reviewed_run_id": F.lit("n-1")}
    )
    shown = frame(spark, _SEEN, ("n-1", "a", "hash", "sandals", "shoes", "shoes", "model", 0.1, _JUDGED))
    valid = validate_decisions(delivered, shown, frame(spark, "category string", ("boots",)), _NOW)
    judged = valid.orderBy("row_number").collect()
    assert [(row.purpose, row.audit_chance, row.reasons, row.batch_id) for row in judged] == [
        (None, 0.1, [], "b-1"),
        ("audit", 0.1, [], "b-1"),
        ("audit", 0.1, [], "b-1"),
        ("work", None, [], "b-1"),
        ("known", None, [], "b-1"),
        ("second", None, [], "b-1"),
        ("play", None, ["invalid_decision"], "b-1"),
    ]


def test_ids_of_an_exported_csv_are_as_before_the_export(spark: SparkSession) -> None:
    ids = ("-1", "=a", "+b", "@c", "plain", "'quoted")
    exported = [(str(guarded(name)), "accept", "hash") for name in ids]
    rows = frame(spark, "listing_id string, decision string, content_hash string", *exported, ("'-2", "accept", None))
    assert rows_of(without_guards(rows), "listing_id") == [(name,) for name in sorted([*ids, "'-2"])]


def test_each_row_is_completed_or_rejected(spark: SparkSession) -> None:
    rows = [tuple({**_GOOD, **row}.values()) for row, _, _ in CASES.values()]
    given = frame(spark, _DDL, *rows).coalesce(1)
    delivered = read_decisions(given.drop("reviewed_run_id"), "broken")
    delivered = delivered.withColumn("row_number", F.monotonically_increasing_id())
    # With one partition, the row numbers are the order of the file.
    looked = frame(spark, "row_number bigint, reviewed_run_id string", *((n, row[6]) for n, row in enumerate(rows)))
    shown = frame(
        spark,
        _SEEN,
        ("n-1", "a", "hash", "sandals", "shoes", "shoes", "model", 0.1, _JUDGED),
        ("n-1", "b", "h", None, None, None, "seller", None, {}),
        ("n-1", "again", "h", "sandals", "shoes", "boots", "reviewer", None, {}),
    )
    taxonomy = frame(spark, "category string", ("boots",), ("shoes",), ("sandals",))
    valid = validate_decisions(delivered.join(looked, "row_number"), shown, taxonomy, _NOW)
    judged = valid.orderBy("row_number").collect()
    assert {name: (row.reasons, row.category) for name, row in zip(CASES, judged, strict=True)} == {
        name: (reasons, category) for name, (_, reasons, category) in CASES.items()
    }
    # What people judge is the category that was published, unless a person had chosen it.
    usable = [row for row in judged if not row.reasons]
    assert {(row.listing_id, row.published_category) for row in usable if row.category} == {
        ("a", "shoes"),
        ("again", None),
    }
    assert {row.published_category for row in judged if row.reason} == {None}
    seen = [row for row in usable if row.listing_id == "a" and row.decision != "skip"]
    assert {(row.reason, row.judged_hash) for row in seen} == {
        (None, "judged category"),
        ("blank_image", "judged picture"),
        ("low_confidence", None),
        ("image_mismatch", None),
    }
    first = judged[0]
    assert (first.content_hash, first.run_id, first.audit_chance) == ("hash", "n-1", 0.1)
    assert len({row.decision_id for row in usable}) == 10  # four are equal to others
    stored = {name: row.reason for name, row in zip(CASES, judged, strict=True) if not row.reasons}
    assert stored == {
        "as it should be": None,
        "the suggestion is right": None,
        "the seller is right": None,
        "why it was asked about is the category": None,
        "another reason is dealt with": "blank_image",
        "of the category queue, too": "low_confidence",
        "the picture is right": "image_mismatch",
        "a category, whatever the reason": None,
        "taken back": None,
        "no word": None,
        "the suggestion, named": None,
        "the seller's, named": None,
        "of tomorrow": None,
        "decided once more": None,
    }


def test_a_day_belongs_to_the_latest_publication_before_it() -> None:
    first, fifth, sixth = (dt.date(2026, 1, day) for day in (1, 5, 6))
    published = [(first, first, "n-1"), (fifth, sixth, "n-5")]
    days = [dt.date(2025, 12, 31), first, dt.date(2026, 1, 4), dt.date(2026, 2, 1)]
    assert latest_publications(days, published) == {days[1]: "n-1", days[2]: "n-1", days[3]: "n-5"}


def test_a_night_for_a_future_date_can_be_reviewed_after_it_has_finished() -> None:
    finished = dt.date(2026, 1, 3)
    published = [(dt.date(2026, 1, 1), finished, "n-1"), (dt.date(2027, 1, 1), finished, "n-2")]
    before = dt.date(2026, 1, 2)
    assert latest_publications([before, finished], published) == {before: "n-1", finished: "n-2"}


def test_a_file_needs_the_required_columns(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="lacks reviewer, decided_at; its columns are listing_id, decision"):
        read_decisions(frame(spark, "listing_id string, decision string, broken string"), "broken")


def test_a_rerun_does_not_see_decisions_that_came_after_it(warehouse: Warehouse) -> None:
    before = Pins("7", 0, 0, warehouse.version(REVIEW_DECISIONS), None)
    rows = warehouse.empty(REVIEW_DECISIONS)
    for _ in range(2):
        warehouse.append(REVIEW_DECISIONS, warehouse.spark.createDataFrame([_stored("a")], rows.schema))
    after = Pins("7", 0, 0, warehouse.version(REVIEW_DECISIONS), None)
    warehouse.append(REVIEW_DECISIONS, warehouse.spark.createDataFrame([_stored("b")], rows.schema))
    assert read_pinned(warehouse, REVIEW_DECISIONS, before.decisions_version).count() == 0
    assert read_pinned(warehouse, REVIEW_DECISIONS, after.decisions_version).count() == 2


def _stored(listing_id: str) -> tuple[Any, ...]:
    values = {"decision_id": f"1 {listing_id}", "listing_id": listing_id, "decision": "accept"}
    return tuple(values.get(name) for name in REVIEW_DECISIONS.names)


def test_rows_of_a_work_list_that_nobody_has_filled_in_are_no_answers(spark: SparkSession) -> None:
    names = ("listing_id", "decision", "category", "note", "reviewer", "decided_at", "broken")
    rows = frame(
        spark,
        ", ".join(f"{name} string" for name in names),
        ("answered", "accept", None, None, None, None, None),
        ("only a category", None, "boots", None, None, None, None),
        ("only a reviewer", None, None, None, "ada", None, None),
        ("empty", None, " ", "looked at it", None, "", None),
        (None, None, None, None, None, None, "cannot be parsed"),
    )
    answered, unanswered = split_unanswered(read_decisions(rows, "broken"))
    assert [row.listing_id for row in unanswered.collect()] == ["empty"]
    assert answered.count() == 4


def test_reviewer_and_time_are_filled_in_where_they_are_missing(spark: SparkSession) -> None:
    ddl = "listing_id string, decision string, category string, reviewer string, decided_at string, broken string"
    rows = frame(
        spark, ddl, ("a", "accept", None, None, None, None), ("b", "accept", None, "bob", "2026-01-05T10:00:00Z", None)
    )
    read = read_decisions(rows, "broken")
    filled = {row.listing_id: row for row in fill_in_answers(read, "ada", _NOW).collect()}
    assert (filled["a"].reviewer, filled["a"].decided_at) == ("ada", _NOW.replace(tzinfo=None))
    assert (filled["b"].reviewer, str(filled["b"].decided_at)) == ("bob", "2026-01-05 10:00:00")
    assert filled["b"].decision_id is None  # its own time makes it unique
    left = fill_in_answers(read, None, None).where("listing_id = 'a'").first()
    assert left is not None
    assert (left.reviewer, left.decided_at, left.decision_id) == (None, None, None)


def test_an_answer_whose_time_is_filled_in_counts_once_however_often_its_file_is_loaded(spark: SparkSession) -> None:
    ddl = "listing_id string, decision string, category string, reviewer string, decided_at string, broken string"
    read = read_decisions(
        frame(spark, ddl, ("a", "accept", None, None, None, None), ("a", "reject", None, None, None, None)), "broken"
    )
    ids = [
        {row.decision: row.decision_id for row in fill_in_answers(read, reviewer, time).collect()}
        for reviewer, time in (("ada", _NOW), ("ada", _NOW - dt.timedelta(days=1)), ("bob", _NOW))
    ]
    assert ids[0] == ids[1]
    assert len({*ids[0].values(), *ids[2].values()}) == 4
