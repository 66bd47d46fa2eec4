"""The audit sample: random, renewed night by night, and not biased by what people decide besides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.audit_sample import mark_audit
from tests.spark.frames import frame, rows_of

_DDL = (
    "listing_id string, category_source string, effective_category string, unreviewed_category string, "
    "published_category string, decided_on date, audit_chance double"
)
JUNE = dt.date(2026, 6, 10)


def undecided(spark: SparkSession, listings: int) -> DataFrame:
    rows = spark.range(listings).select(F.col("id").cast("string").alias("listing_id"))
    shown = {name: F.lit("boots") for name in ("effective_category", "unreviewed_category")}
    none = {"published_category": F.lit(None).cast("string"), "decided_on": F.lit(None).cast("date")}
    none["audit_chance"] = F.lit(None).cast("double")
    return rows.withColumns({"category_source": F.lit("seller"), **shown, **none})


def test_the_sample_is_random_and_a_part_of_it_is_new_every_night(spark: SparkSession) -> None:
    listings = undecided(spark, 6000).cache()

    def drawn(date: dt.date, chance: float = 0.1) -> set[str]:
        return {row.listing_id for row in mark_audit(listings, date, chance).where("drawn").collect()}

    june = drawn(JUNE)
    assert len(june) == pytest.approx(600, abs=95)  # four standard deviations
    next_night = drawn(JUNE + dt.timedelta(days=1))
    assert len(june - next_night) == pytest.approx(20, abs=18)
    assert len(next_night - june) == pytest.approx(20, abs=18)
    # A draw holds for about a month: until the listing's day in the next month.
    assert len(june & drawn(dt.date(2026, 6, 30))) == pytest.approx(600 / 3, abs=70)
    assert len(june & drawn(dt.date(2026, 7, 31))) < 120
    assert drawn(JUNE, 0.05) < june < drawn(JUNE, 0.2)
    assert drawn(JUNE, 0.0) == set()
    assert len(drawn(JUNE, 1.0)) == 6000
    assert {len(drawn(dt.date(2028, month, 29), 1.0)) for month in (2, 3)} == {6000}
    listings.unpersist()


def _decided(spark: SparkSession, *rows: tuple[Any, ...]) -> dict[str, Any]:
    got = mark_audit(frame(spark, _DDL, *rows), JUNE, 1.0)
    assert "decided_on" not in got.columns
    return {name: tuple(values) for name, *values in rows_of(got, "listing_id", "known", "audited", "judged_category")}


def test_an_answer_judges_what_was_published_before_it(spark: SparkSession) -> None:
    long_ago, today = dt.date(2026, 1, 1), JUNE
    assert _decided(
        spark,
        ("open", "seller", "boots", "boots", None, None, None),
        ("answered", "reviewer", "hats", "shoes", "boots", today, 0.1),
        ("answered, loaded by an earlier version", "reviewer", "hats", "shoes", None, today, 0.1),
        ("not asked", "reviewer", "hats", "shoes", "boots", today, None),
        ("known", "reviewer", "hats", "shoes", "boots", long_ago, 0.1),
        # The publication that stays does not show the answer yet.
        ("stays", "seller", "boots", "boots", "boots", today, 0.1),
    ) == {
        "open": (False, False, "boots"),
        "answered": (False, True, "boots"),
        "answered, loaded by an earlier version": (False, True, "shoes"),
        "not asked": (False, False, "boots"),
        "known": (True, False, "boots"),
        "stays": (False, False, "boots"),
    }


def test_listings_decided_before_their_day_are_known_drawn_or_not(spark: SparkSession) -> None:
    listings = undecided(spark, 3000).withColumns(
        {"category_source": F.lit("reviewer"), "decided_on": F.lit(JUNE - dt.timedelta(days=10))}
    )
    got = mark_audit(listings, JUNE, 0.5).groupBy("known", "drawn").count().collect()
    sizes = {(row.known, row["drawn"]): row["count"] for row in got}
    # About a third of the listings have had their day since then.
    assert sizes[True, True] + sizes[True, False] == pytest.approx(1000, abs=120)
    assert sizes[True, True] == pytest.approx(500, abs=90)
    assert sizes[False, True] == pytest.approx(1000, abs=120)
