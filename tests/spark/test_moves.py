from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, SparkSession

from jobs.cleaning.limits import Finding, _with_category
from jobs.cleaning.steps.moves import compare, count_moves, flips, worst_segments
from tests.spark.frames import frame, rows_of

STATE = "listing_id string, content_hash string, category string, effective_category string, category_source string"
EVENTS = "listing_id string, event string, corrected_category string, decided_by string, job string, run_date date"
NIGHT = dt.date(2026, 11, 20)


def compared(spark: SparkSession) -> DataFrame:
    before = frame(
        spark,
        STATE,
        ("same", "h", "boots", "boots", "seller"),
        ("corrected", "h", "boots", "boots", "seller"),
        ("kept again", "h", "boots", "shoes", "model"),
        ("guessed", "h", None, "boots", "model"),
        ("asked", "h", None, None, "seller"),
        ("other content", "h", "boots", "boots", "seller"),
        ("other label", "h", "boots", "boots", "seller"),
        ("decided", "h", "boots", "boots", "seller"),
        ("decision gone", "h", "boots", "shoes", "reviewer"),
        ("withdrawn", "h", "boots", "boots", "seller"),
        ("stopped", "h", "boots", "shoes", "model"),
    )
    now = frame(
        spark,
        f"{STATE}, seller_id string, may_correct boolean",
        ("same", "h", "boots", "boots", "seller", "ada", True),
        ("corrected", "h", "boots", "shoes", "model", "ada", True),
        ("kept again", "h", "boots", "boots", "seller", "ada", True),
        ("guessed", "h", None, "shoes", "model", None, True),
        ("asked", "h", None, "shoes", "model", "bob", True),
        ("other content", "new", "boots", "shoes", "model", "bob", True),
        ("other label", "h", "bags", "shoes", "model", "bob", True),
        ("decided", "h", "boots", "shoes", "reviewer", "bob", True),
        ("decision gone", "h", "boots", "boots", "seller", "bob", True),
        ("stopped", "h", "boots", "boots", "seller", "bob", False),
        ("new", "h", "boots", "shoes", "model", "bob", True),
    )
    return compare(now, before)


def test_only_what_the_run_moves_by_itself_counts_and_the_worst_is_named(spark: SparkSession) -> None:
    rows = compared(spark)
    moved = rows_of(rows.where("moved"), "listing_id")
    assert moved == [("asked",), ("corrected",), ("guessed",), ("kept again",)]
    assert rows_of(count_moves(rows), "listings", "moved") == [(10, 4)]
    # boots before: same, corrected, guessed, other content, other label, decided; of them two have moved.
    got = {row.kind: row for row in worst_segments(rows, 3).collect()}
    assert {kind: tuple(row.most) for kind, row in got.items()} == {
        "left": ("boots", 6, 2),
        "joined": ("shoes", 6, 3),
        "seller": ("ada", 3, 2),
    }
    # One of three listings has left shoes: the same share as two of six, and the last name counts.
    assert {kind: tuple(row.worst) for kind, row in got.items()} == {
        "left": ("shoes", 3, 1),
        "joined": ("shoes", 6, 3),
        "seller": ("ada", 3, 2),
    }
    # None has seven listings.
    assert {(row.kind, row.worst) for row in worst_segments(rows, 7).collect()} == {(kind, None) for kind in got}


def test_a_correction_that_nights_have_just_ended_flips(spark: SparkSession) -> None:
    def history(event: str, by: str = "model", job: str = "nightly", days: int = 7) -> DataFrame:
        ids = ("corrected", "kept again", "guessed", "other content")
        date = NIGHT - dt.timedelta(days=days)
        return frame(spark, EVENTS, *((each, event, each, by, job, date) for each in ids for _ in range(2)))

    rows = compared(spark)
    both = [("corrected", "boots"), ("guessed", "boots")]
    recent = flips(rows, history("ended"), NIGHT, 7)
    assert rows_of(recent, "listing_id", "category_before") == both
    old = history("changed", days=8).unionByName(history("begun")).unionByName(history("ended", job="revert"))
    by_people = history("ended", by="reviewer")
    assert rows_of(flips(rows, old.unionByName(by_people), NIGHT, 7), "listing_id") == []


def test_a_correction_that_has_only_followed_its_category_does_not_flip(spark: SparkSession) -> None:
    def event(listing: str, event: str, category: str, days: int) -> tuple[str, str, str, str, str, dt.date]:
        return (listing, event, category, "model", "nightly", NIGHT - dt.timedelta(days=days))

    history = frame(
        spark,
        EVENTS,
        event("corrected", "changed", "shoes", 2),
        event("corrected", "begun", "shoes", 3),
        event("guessed", "changed", "shoes", 2),
        event("guessed", "begun", "hats", 3),
    )
    assert rows_of(flips(compared(spark), history, NIGHT, 7), "listing_id") == [("guessed",)]


def test_the_category_that_adds_most_to_the_fall_of_a_metric_is_named(spark: SparkSession) -> None:
    ddl = "metric string, dimension string, segment string, value double, denominator double, source string"

    def metrics(boots: float, shoes: float) -> DataFrame:
        name = "mean_quality_score"
        return frame(
            spark,
            ddl,
            (name, "all", "all", 70.0, 110.0, "count"),
            (name, "category", "boots", boots, 10.0, None),
            (name, "category", "shoes", shoes, 100.0, "count"),
            ("expected_error_left", "category", "bags", 0.5, 1000.0, "model"),
        )

    fall = Finding("max_quality_fall", 5.0, 6.0, "mean_quality_score would fall from 76.0 to 70.0 points")
    got = _with_category(fall, metrics(80.0, 76.0), metrics(60.0, 71.0))
    assert got.words == f"{fall.words}, most of it in category shoes (from 76 to 71)"
    assert _with_category(fall, frame(spark, ddl), metrics(60.0, 71.0)) == fall
