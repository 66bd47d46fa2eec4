"""Which reviewers' decisions stand, with one listing per case."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.cleaning.steps.reviews import standing_decisions
from tests.spark.frames import frame, rows_of

_DDL = "decision_id string, listing_id string, content_hash string, decision string, purpose string, decided_at string"


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
    rows = [
        (f"{name} {place}", name, "hash", decision, "work" if place % 2 else None, f"2026-01-05 10:00:0{place}")
        for name, decisions in cases.items()
        for place, decision in enumerate(decisions)
    ]
    rows += [
        ("known", "known", "hash", "accept", "known", "2026-01-05 10:00:00"),
        ("second", "second", "hash", "accept", "second", "2026-01-05 10:00:00"),
        ("audit", "audit", "hash", "accept", "audit", "2026-01-05 10:00:00"),
        # A reopen of other content takes nothing back, and that of a second opinion none that stands.
        ("before", "edited", "hash", "accept", "work", "2026-01-05 10:00:00"),
        ("after", "edited", "another hash", "reopen", "work", "2026-01-05 11:00:00"),
        ("first", "twice", "hash", "accept", "work", "2026-01-05 10:00:00"),
        ("other", "twice", "hash", "reopen", "second", "2026-01-05 11:00:00"),
    ]
    got = standing_decisions(frame(spark, _DDL, *reversed(rows)))
    assert got.columns == ["decision_id", "listing_id", "content_hash", "decision", "purpose", "decided_at"]
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
        ]
    )
