"""Which reviewers' decisions stand, with one listing per case."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.judged import judged_hash, judged_hashes
from jobs.cleaning.steps.reviews import (
    latest_decisions,
    standing_decisions,
    with_answers,
    with_answers_to_both,
    with_decisions,
    without_disputed,
)
from tests.spark.frames import frame, rows_of
from training.doubts import read_doubts

_DDL = (
    "decision_id string, listing_id string, content_hash string, decision string, purpose string, decided_at string, "
    "reopens string"
)


_Row = tuple[str | None, ...]


def test_reopen_takes_back_the_last_decision_that_stands(spark: SparkSession) -> None:
    cases = {
        "one": ["accept"],
        "taken back": ["accept", "reopen"],
        "decided again": ["accept", "reopen", "reject"],
        "two steps": ["accept", "resolve", "set_category", "reopen", "reopen"],
        "in between": ["accept", "resolve", "reopen", "reject"],
        "nothing to take back": ["reopen", "reopen", "accept"],
        "skipped": ["accept", "skip", "reopen"],
        "only skipped": ["skip", "skip"],
    }
    rows: list[_Row] = [
        (f"{name} {place}", name, "hash", decision, "work" if place % 2 else None, f"2026-01-05 10:00:0{place}", None)
        for name, decisions in cases.items()
        for place, decision in enumerate(decisions)
    ]
    rows += [
        ("known", "known", "hash", "accept", "known", "2026-01-05 10:00:00", None),
        ("second", "second", "hash", "accept", "second", "2026-01-05 10:00:00", None),
        ("audit", "audit", "hash", "accept", "audit", "2026-01-05 10:00:00", None),
        # A reopen of other content takes nothing back, and that of a second opinion none that stands.
        ("before", "edited", "hash", "accept", "work", "2026-01-05 10:00:00", None),
        ("after", "edited", "another hash", "reopen", "work", "2026-01-05 11:00:00", None),
        ("first", "twice", "hash", "accept", "work", "2026-01-05 10:00:00", None),
        ("other", "twice", "hash", "reopen", "second", "2026-01-05 11:00:00", None),
        # One that names a decision takes back this one, whatever has been decided since.
        ("named", "three", "hash", "accept", "work", "2026-01-05 10:00:00", None),
        ("kept", "three", "hash", "reject", "work", "2026-01-05 11:00:00", None),
        ("back", "three", "hash", "reopen", "work", "2026-01-05 12:00:00", "named"),
    ]
    got = standing_decisions(frame(spark, _DDL, *reversed(rows)))
    assert got.columns == ["decision_id", "listing_id", "content_hash", "decision", "purpose", "decided_at", "reopens"]
    assert sorted(row[0] for row in rows_of(got, "decision_id")) == sorted(
        [
            "one 0",
            "decided again 2",
            "two steps 0",
            "in between 0",
            "in between 3",
            "nothing to take back 2",
            "audit",
            "before",
            "first",
            "kept",
        ]
    )


def test_a_disputed_answer_is_no_certain_label_until_a_lead_decides(spark: SparkSession) -> None:
    ddl = (
        f"{_DDL}, reason string, category string, reviewer_role string, audit_chance double, "
        "published_category string, reviewer string"
    )

    def row(
        number: int, name: str, purpose: str, category: str, role: str, reopens: str | None = None
    ) -> tuple[object, ...]:
        decision = "reopen" if reopens else "set_category"
        time = f"2026-01-05 10:00:0{number}"
        return (
            f"{name} {number}",
            name,
            "h",
            decision,
            purpose,
            time,
            reopens,
            None,
            category,
            role,
            None,
            None,
            f"{role} {number}",
        )

    rows = [
        row(1, "agreed", "work", "boots", "reviewer"),
        row(2, "agreed", "second", "boots", "reviewer"),
        row(1, "disputed", "work", "boots", "reviewer"),
        row(2, "disputed", "second", "shoes", "reviewer"),
        row(1, "settled", "work", "boots", "reviewer"),
        row(2, "settled", "second", "shoes", "reviewer"),
        row(3, "settled", "work", "hats", "lead"),
        row(1, "withdrawn", "work", "boots", "reviewer"),
        row(2, "withdrawn", "second", "shoes", "reviewer"),
        row(3, "withdrawn", "second", "shoes", "reviewer", "withdrawn 2"),
    ]
    decisions = frame(spark, ddl, *rows)
    certain = without_disputed(latest_decisions(standing_decisions(decisions)), decisions)
    assert rows_of(certain, "listing_id", "reviewed_category") == [
        ("agreed", "boots"),
        ("settled", "hats"),
        ("withdrawn", "boots"),
    ]
    names = ["agreed", "disputed", "settled", "withdrawn", "silent"]
    listings = frame(spark, "listing_id string, content_hash string", *((name, "h") for name in names))
    asked = with_answers_to_both(with_decisions(listings, certain), decisions)
    said = [("reviewer 1", "boots"), ("reviewer 2", "shoes")]
    assert rows_of(asked, "listing_id", "answers_to_both") == [
        ("agreed", [said[0], ("reviewer 2", "boots")]),
        ("disputed", said),
        ("settled", [("lead 3", "hats"), *said]),
        ("silent", None),
        ("withdrawn", None),
    ]
    doubts = read_doubts(asked, ["boots", "hats", "shoes"])
    [key] = listings.where("listing_id = 'disputed'").select(F.xxhash64("listing_id").alias("key")).collect()
    assert doubts.keys.tolist() == [key.key] * 2
    assert doubts.categories.tolist() == [0, 2]
    # Reviewer 2 has said something else than the lead, too, as reviewer 1 has.
    assert 0.3 < doubts.shares[0] < 0.6
    assert 0.9 < doubts.shares.sum() < 1.0


def test_an_answer_about_a_reason_holds_for_the_values_that_were_judged(spark: SparkSession) -> None:
    values = (
        "listing_id string, content_hash string, category string, price double, currency string, "
        "effective_category string, condition string, duplicate_of string"
    )
    before = frame(spark, values, ("x", "h", "boots", 10.0, "EUR", "boots", "new", "y"))
    [judged] = before.select(
        *(judged_hash(F.lit(name)).alias(name) for name in ("price_outlier", "duplicate"))
    ).collect()
    assert judged.price_outlier != judged.duplicate
    now = frame(
        spark,
        values,
        ("same", "h", "sandals", 10.0, "EUR", "boots", "used", "y"),
        ("price", "h", "boots", 99.0, "EUR", "boots", "new", "y"),
        ("currency", "h", "boots", 10.0, "USD", "boots", "new", "y"),
        ("moved", "h", "boots", 10.0, "EUR", "shoes", "new", "y"),
        ("other", "h", "boots", 10.0, "EUR", "boots", "new", "z"),
        ("edited", "h2", "boots", 10.0, "EUR", "boots", "new", "y"),
    )
    answers = "decision_id string, listing_id string, content_hash string, decision string, reason string, "
    answers += "judged_hash string, decided_at timestamp"
    given = [
        (f"{name} {reason}", name, "h", "resolve", reason, judged[reason], dt.datetime(2026, 1, 4, tzinfo=dt.UTC))
        for name in ("same", "price", "currency", "moved", "other", "edited")
        for reason in ("price_outlier", "duplicate")
    ]
    got = with_answers(now, frame(spark, answers, *given))
    found = {row.listing_id: (sorted(row.settled_reasons), row.outdated_reasons) for row in got.collect()}
    assert found == {
        "same": (["duplicate", "price_outlier"], []),
        "price": (["duplicate"], ["price_outlier"]),
        "currency": (["duplicate"], ["price_outlier"]),
        "moved": (["duplicate"], ["price_outlier"]),
        "other": (["price_outlier"], ["duplicate"]),
        "edited": ([], []),
    }


def test_each_question_of_a_listing_has_a_hash_of_its_own(spark: SparkSession) -> None:
    ddl = (
        "reasons array<string>, content_hash string, category string, price double, currency string, "
        "effective_category string, condition string, duplicate_of string"
    )
    rest = ("h", "boots", 10.0, "EUR", "boots", "new", None)
    listings = frame(
        spark, ddl, (["audit_sample", "blank_image", "low_confidence"], *rest), (["duplicate"], *rest), ([], *rest)
    )
    first, second, third = (row.judged for row in listings.select(judged_hashes().alias("judged")).collect())
    assert (sorted(first), list(second), third) == (["blank_image", "category"], ["duplicate"], {})
    assert len({*first.values(), *second.values()}) == 3
