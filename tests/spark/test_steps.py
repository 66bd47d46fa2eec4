from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.history import correction_events
from jobs.cleaning.steps.selection import reusable_predictions, split_usable, unscored
from jobs.cleaning.steps.sellers import seller_rates
from jobs.cleaning.steps.sums import from_units, sum_in_units
from jobs.features.steps.selection import newest_change
from tests.spark.frames import frame, rows_of


def test_a_sum_does_not_depend_on_the_order_of_the_rows(spark: SparkSession) -> None:
    values = [1e6, 0.1, 0.2, 0.3, -1e6] * 3
    sums = set()
    for order in (values, sorted(values)):
        rows = frame(spark, "x double", *((x,) for x in order), (None,)).coalesce(1)
        sums |= set(rows.agg(from_units(sum_in_units(F.col("x")))).first() or ())
    assert sum(values) != sum(sorted(values))
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(1.8, abs=1e-6)


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
    # At this rate each label is wrong with probability 0.91, and half of that counts.
    assert half["bad"].error_rate == pytest.approx((20 * 0.5 * 0.91 + 0.8) / 24, abs=0.005)


def test_a_published_rate_is_kept_if_the_estimate_is_near(spark: SparkSession) -> None:
    weighed = frame(spark, "seller_id string, label_support double, other_support double", *[("s", 0.9, 0.02)] * 50)
    near = frame(spark, "seller_id string, error_rate double", ("s", 0.03))
    far = frame(spark, "seller_id string, error_rate double", ("s", 0.9))
    assert rows_of(seller_rates(weighed, near, 0.2, 1.0, 4.0, 1.0), "error_rate") == [(0.03,)]
    [(moved,)] = rows_of(seller_rates(weighed, far, 0.2, 1.0, 4.0, 1.0), "error_rate")
    assert moved < 0.03


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


def test_only_predictions_of_the_current_content_and_model_are_kept(spark: SparkSession) -> None:
    contents = [("a", "h1"), ("b", "h2"), ("c", "h1"), ("d", "h1"), ("e", "h1"), ("f", "h1"), ("g", "h1"), ("h", "h1")]
    listings = frame(spark, "listing_id string, content_hash string", *contents)
    predictions = frame(
        spark,
        "listing_id string, content_hash string, model_version string, image_status string, text_rules string",
        ("a", "h1", "2", "ok", "rules"),
        ("b", "h1", "2", "ok", "rules"),
        ("c", "h1", "1", "ok", "rules"),
        ("d", "h1", "2", "unreadable", "rules"),
        ("e", "h1", "2", "not_found", "rules"),
        ("f", "h1", "2", "unreadable", "rules"),
        # The texts of g were read by other rules, those of h by an earlier version, which did not.
        ("g", "h1", "2", "ok", "rules FR"),
        ("h", "h1", "2", "ok", None),
    )
    # The picture of d has been read by now, that of f has not; e has none.
    pictures = frame(
        spark,
        "listing_id string, content_hash string, image_status string",
        ("a", "h0", "corrupt"),
        ("a", "h1", "ok"),
        ("d", "h1", "ok"),
        ("f", "h1", "unreadable"),
    )
    kept = reusable_predictions(predictions, listings, pictures, "2", "rules")
    assert rows_of(kept, "listing_id") == [("a",), ("e",), ("f",)]
    assert rows_of(unscored(listings, kept), "listing_id") == [("b",), ("c",), ("d",), ("g",), ("h",)]


def test_the_newest_of_several_changes_is_scored(spark: SparkSession) -> None:
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
