from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ingestion.lost_values import count_lost_values, lost_value_warnings
from jobs.ingestion.steps.versions import find_missing, find_outcomes
from tests.spark.frames import frame, rows_of
from udfs.fingerprint import content_hash, text_hash

_VALUES = (
    "listing_id string, title string, description string, category string, price double, seller_id string, "
    "updated_at timestamp, image_uri string, image_hash string, currency string, condition string, exposure double, "
    "attributes map<string, string>"
)
_ROW: dict[str, Any] = {
    "listing_id": "1", "title": "bag", "description": None, "category": "bags", "price": 1.0, "seller_id": "s",
    "updated_at": 2, "image_uri": None, "image_hash": None, "currency": None, "condition": None, "exposure": None,
    "attributes": None,
}  # fmt: skip


def _time(day: int | None) -> dt.datetime | None:
    return None if day is None else dt.datetime(2024, 1, day, tzinfo=dt.UTC)


def _hashed(spark: SparkSession, ddl: str, rows: list[dict[str, Any]]) -> DataFrame:
    tuples = [tuple(_time(v) if k == "updated_at" else v for k, v in row.items()) for row in rows]
    texts = text_hash(F.col("title"), F.col("description"))
    hashed = frame(spark, f"{_VALUES}, {ddl}", *tuples).withColumn("text_hash", texts)
    return hashed.withColumn("content_hash", content_hash(F.col("text_hash"), F.col("image_hash")))


def _delivered(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    """Delivered rows: `_ROW` with the given changes, numbered in order."""
    full = [{**_ROW, "picture": None, "reasons": [], **row, "row_number": number} for number, row in enumerate(rows, 1)]
    return _hashed(spark, "picture string, reasons array<string>, row_number bigint", full)


def _stored(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return _hashed(spark, "withdrawn boolean", [{**_ROW, "withdrawn": False, **row} for row in rows])


Case = tuple[dict[str, Any], dict[str, Any] | None, str]


def _check(spark: SparkSession, cases: list[Case]) -> None:
    """Check cases; each is one listing: a delivered row, the stored row, and the expected outcome."""
    delivered = _delivered(spark, *({"listing_id": str(i), **row} for i, (row, _, _) in enumerate(cases)))
    stored = _stored(spark, *({"listing_id": str(i), **row} for i, (_, row, _) in enumerate(cases) if row is not None))
    found = dict(rows_of(find_outcomes(delivered, stored), "listing_id", "outcome"))
    assert [(case, found[str(i)]) for i, case in enumerate(cases)] == [(case, case[2]) for case in cases]


def test_a_delivered_row_compared_with_the_stored_version(spark: SparkSession) -> None:
    _check(
        spark,
        [
            ({}, None, "inserted"),
            ({}, {}, "unchanged"),
            ({"price": float("nan")}, {"price": float("nan")}, "unchanged"),
            ({"updated_at": 3}, {}, "updated"),
            ({"updated_at": 3, "title": "new"}, {}, "updated"),
            ({"updated_at": 1, "title": "old"}, {}, "superseded"),
            ({"updated_at": 1}, {"withdrawn": True}, "superseded"),
            ({}, {"withdrawn": True}, "returned"),
            ({"updated_at": 3}, {"withdrawn": True}, "updated"),
            ({"title": "other"}, {}, "conflicting"),
            ({"description": ""}, {}, "conflicting"),
            ({"category": None}, {}, "conflicting"),
            ({"currency": "EUR"}, {}, "updated"),
            ({"attributes": {"brand": "a"}}, {"attributes": {"brand": "b"}}, "updated"),
            ({"attributes": {"brand": "a"}}, {"attributes": {"brand": "a"}}, "unchanged"),
            ({"currency": "EUR", "title": "other"}, {}, "conflicting"),
            ({"price": None}, {}, "conflicting"),
            ({"seller_id": "t"}, {}, "conflicting"),
            ({"image_hash": "new"}, {"image_hash": "old"}, "conflicting"),
            ({"reasons": ["invalid_updated_at"]}, {}, "quarantined"),
        ],
    )


def test_a_file_replaced_in_place_is_an_update_and_an_unreadable_one_is_none(spark: SparkSession) -> None:
    stored = {"image_uri": "/a", "image_hash": "old"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"image_hash": "new", "picture": "ok"}, "updated"),
        ({"image_hash": "old", "picture": "ok"}, "unchanged"),
        ({"image_hash": None, "picture": "unreadable"}, "unchanged"),
        ({"image_hash": None, "picture": "not_allowed"}, "unchanged"),
        ({"image_hash": "new", "picture": "ok", "title": "other"}, "conflicting"),
        ({"image_hash": None, "picture": "unreadable", "title": "other"}, "conflicting"),
        ({"image_hash": "old", "picture": "ok", "image_uri": "/b"}, "conflicting"),
        ({"image_hash": None, "picture": "unreadable", "updated_at": 3}, "updated"),
    ]
    _check(spark, [({"image_uri": "/a", **row}, stored, expected) for row, expected in cases])


def test_the_newest_row_of_a_delivery_wins_and_ties_go_by_content_in_any_order(spark: SparkSession) -> None:
    rows = [
        {"updated_at": 2, "title": "older"},
        {"updated_at": 3, "title": "one"},
        {"updated_at": 3, "title": "two"},
        {"updated_at": 4, "title": "unusable", "reasons": ["invalid_updated_at"]},
    ]
    orders = list(itertools.permutations(rows))
    listings = [{**row, "listing_id": str(i)} for i, order in enumerate(orders) for row in order]
    delivered = _delivered(spark, *listings)
    found = find_outcomes(delivered, _stored(spark)).join(delivered.select("row_number", "title"), "row_number")
    by_order = [dict[str, str]() for _ in orders]
    for listing, title, outcome in rows_of(found, "listing_id", "title", "outcome"):
        by_order[int(listing)][title] = outcome
    assert by_order[0] in (
        {"older": "superseded", "unusable": "quarantined", "one": "inserted", "two": "variant"},
        {"older": "superseded", "unusable": "quarantined", "one": "variant", "two": "inserted"},
    )
    assert by_order == [by_order[0]] * len(orders)


def test_of_rows_with_the_same_time_the_fullest_wins(spark: SparkSession) -> None:
    """As in exports with a row per variant: the first has the texts, the others a price or a picture."""
    variant: dict[str, Any] = {"title": None, "description": None, "category": None}
    rows: list[dict[str, Any]] = [
        variant,
        {**variant, "title": "", "price": 9.0},
        {},
        {**variant, "image_hash": "a"},
        {},
    ]
    found = find_outcomes(_delivered(spark, *rows), _stored(spark))
    outcomes = dict(rows_of(found, "row_number", "outcome"))
    assert outcomes == {1: "variant", 2: "variant", 3: "inserted", 4: "variant", 5: "superseded"}


def test_currency_condition_and_attributes_make_a_row_fuller(spark: SparkSession) -> None:
    more: list[dict[str, Any]] = [{"currency": "EUR"}, {"attributes": {"brand": "b", "size": "s"}}, {}]
    for rows in (more, more[::-1]):
        found = dict(rows_of(find_outcomes(_delivered(spark, *rows), _stored(spark)), "row_number", "outcome"))
        assert found == {1: "variant", 2: "inserted", 3: "variant"}


def test_equal_rows_of_a_delivery_count_once(spark: SparkSession) -> None:
    found = find_outcomes(_delivered(spark, {}, {}, {}), _stored(spark, {}))
    assert rows_of(found, "outcome") == [("superseded",), ("superseded",), ("unchanged",)]


def test_rows_without_an_id_are_kept_apart(spark: SparkSession) -> None:
    bad = {"listing_id": None, "reasons": ["missing_listing_id"]}
    found = find_outcomes(_delivered(spark, bad, bad, {}), _stored(spark, {}))
    assert rows_of(found, "row_number", "outcome") == [(1, "quarantined"), (2, "quarantined"), (3, "unchanged")]


def test_a_full_delivery_withdraws_older_listings_that_it_does_not_contain(spark: SparkSession) -> None:
    stored = _stored(
        spark,
        {"listing_id": "delivered"},
        {"listing_id": "unusable"},
        {"listing_id": "gone"},
        {"listing_id": "gone already", "withdrawn": True},
        {"listing_id": "younger than the delivery", "updated_at": 4},
    )
    delivered = _delivered(
        spark,
        {"listing_id": "delivered", "updated_at": 3},
        {"listing_id": "unusable", "updated_at": 9, "reasons": ["invalid_updated_at"]},
        {"listing_id": None, "reasons": ["missing_listing_id"]},
    )
    assert rows_of(find_missing(stored, delivered), "listing_id") == [("gone",)]
    assert len(rows_of(find_missing(stored, delivered.limit(0)), "listing_id")) == 4


def test_what_updated_listings_lose_for_want_of_a_column_is_counted_and_said(spark: SparkSession) -> None:
    outcomes = frame(
        spark,
        "listing_id string, outcome string",
        ("a", "updated"),
        ("b", "updated"),
        ("c", "unchanged"),
        ("d", "inserted"),
    )
    columns = "title string, description string, category string, price double, seller_id string, image_hash string, image_uri string"  # noqa: E501
    stored = frame(
        spark,
        f"listing_id string, {columns}",
        ("a", "Boot", "warm", "boots", 1.5, None, "hash", None),
        ("b", "Shoe", None, "shoes", 2.5, None, None, "/b.jpg"),
        ("c", "Sock", "soft", "socks", 3.5, "s", "hash", None),
    )
    everything = {"title", "description", "category", "price", "seller_id", "image"}
    assert count_lost_values(outcomes, stored, everything) == {}
    lost = count_lost_values(outcomes, stored, everything - {"description", "seller_id", "image"})
    assert lost == {"lost_description": 1, "lost_seller_id": 0, "lost_picture": 2}
    description, picture = lost_value_warnings({"updated": 2, **lost})
    assert description.startswith(
        "1 updated listing has no description any more, because the files have no such column"
    )
    assert picture.startswith("2 updated listings have no picture any more")
