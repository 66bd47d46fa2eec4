"""When versions of a listing were in force, and which pictures of earlier content are still known."""

from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.backfilling.steps.past import (
    as_of,
    content_to_judge,
    decided_by,
    differing,
    first_met,
    sizes_by_date,
    version_spans,
)
from jobs.features.stored import with_kept_vectors
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES
from tests.spark.frames import frame, rows_of


def date(day: int) -> dt.date:
    return dt.date(2026, 3, day)


def at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime.combine(date(day), dt.time(hour))


@pytest.fixture(scope="module")
def spans(spark: SparkSession) -> DataFrame:
    changes = frame(
        spark,
        "delivery_id STRING, listing_id STRING, change STRING, content_hash STRING",
        ("d1", "a", "inserted", "a1"),
        ("d1", "b", "inserted", "b1"),
        ("d3", "a", "updated", "a2"),
        ("d3-later", "a", "updated", "a3"),
        ("d5", "b", "withdrawn", "b1"),
        ("d7", "b", "returned", "b1"),
        ("failed", "a", "updated", "a9"),
    )
    deliveries = frame(
        spark,
        "delivery_id STRING, run_date DATE, finished_at TIMESTAMP",
        ("d1", date(1), at(1, 4)),
        ("d3", date(3), at(3, 4)),
        ("d3-later", date(3), at(3, 9)),
        ("d5", date(5), at(5, 4)),
        ("d7", date(7), at(7, 4)),
    )
    return version_spans(changes, deliveries).cache()


def test_a_version_is_in_force_until_the_next_delivery_that_changes_the_listing(spans: DataFrame) -> None:
    assert rows_of(spans, "listing_id", "content_hash", "valid_from", "valid_until", "withdrawn") == [
        ("a", "a1", date(1), date(3), False),
        ("a", "a3", date(3), None, False),
        ("b", "b1", date(1), date(5), False),
        ("b", "b1", date(5), date(7), True),
        ("b", "b1", date(7), None, False),
    ]


def test_the_catalogue_of_a_date_has_each_listing_once(spans: DataFrame) -> None:
    columns = ("listing_id", "content_hash", "withdrawn")
    assert rows_of(as_of(spans, dt.date(2026, 2, 28)), *columns) == []
    assert rows_of(as_of(spans, date(2)), *columns) == [("a", "a1", False), ("b", "b1", False)]
    assert rows_of(as_of(spans, date(3)), *columns) == [("a", "a3", False), ("b", "b1", False)]
    assert rows_of(as_of(spans, date(6)), *columns) == [("a", "a3", False), ("b", "b1", True)]
    assert rows_of(as_of(spans, date(7)), *columns) == [("a", "a3", False), ("b", "b1", False)]


def test_all_dates_of_a_range_are_counted_at_once(spans: DataFrame) -> None:
    found = rows_of(sizes_by_date(spans, dt.date(2026, 2, 27), date(6)), "date", "known", "withdrawn")
    assert found == [*((date(day), 2, 0) for day in (1, 2, 3, 4)), (date(5), 2, 1), (date(6), 2, 1)]


def test_content_is_met_on_the_first_date_of_a_range_on_which_a_listing_has_it(spans: DataFrame) -> None:
    columns = ("listing_id", "content_hash", "as_of")
    assert rows_of(first_met(spans, date(2), date(8)), *columns) == [
        ("a", "a1", date(2)),
        ("a", "a3", date(3)),
        ("b", "b1", date(2)),
    ]
    assert rows_of(first_met(spans, date(5), date(6)), *columns) == [("a", "a3", date(5))]


def test_decisions_count_from_the_date_on_which_they_were_made(spark: SparkSession) -> None:
    times = (at(4, 23), at(5), at(6))
    decisions = frame(spark, "decision_id INT, decided_at TIMESTAMP", *enumerate(times))
    assert rows_of(decided_by(decisions, date(4)), "decision_id") == [(0,)]
    assert rows_of(decided_by(decisions, date(5)), "decision_id") == [(0,), (1,)]


def test_content_has_the_bucket_of_its_listing_and_the_hash_of_its_picture(spark: SparkSession) -> None:
    changes = frame(
        spark,
        "listing_id STRING, content_hash STRING, title STRING, description STRING, currency STRING, image_uri STRING, "
        "image_hash STRING",
        ("a", "a1", "one", None, None, None, None),
        ("a", "a1", "one", None, "EUR", None, "picture 1"),
        ("a", "a2", "two", "text", "USD", None, None),
        ("gone", "g1", "gone", None, None, "/pictures/g", None),
        ("other", "o1", "not wanted", None, None, None, None),
    )
    wanted = frame(spark, "listing_id STRING, content_hash STRING", ("a", "a1"), ("a", "a2"), ("gone", "g1"))
    listings = frame(
        spark, "listing_id STRING, bucket INT, content_hash STRING, image_hash STRING", ("a", 7, "a2", "picture 2")
    )
    found = content_to_judge(changes, wanted, listings, F.lit(99))
    columns = ("listing_id", "content_hash", "title", "description", "currency", "image_uri", "image_hash", "bucket")
    assert rows_of(found, *columns) == [
        ("a", "a1", "one", None, "EUR", None, "picture 1", 7),
        ("a", "a2", "two", "text", "USD", None, "picture 2", 7),
        ("gone", "g1", "gone", None, None, "/pictures/g", None, 99),
    ]


def test_decisions_are_compared_with_a_night(spark: SparkSession) -> None:
    ddl = "listing_id STRING, effective_category STRING"
    ours = frame(spark, ddl, ("a", "bags"), ("b", None), ("c", "shoes"), ("ours", "bags"))
    theirs = frame(spark, ddl, ("a", "bags"), ("b", "bags"), ("c", "hats"), ("theirs", "bags"))
    assert rows_of(differing(ours, theirs), "compared", "differing") == [(3, 2)]


def test_vectors_of_earlier_pictures_are_used_while_they_are_kept(warehouse: Warehouse) -> None:
    columns = "content_hash STRING, encoder STRING, image_status STRING, image_hash STRING, vector BINARY"
    stored = frame(
        warehouse.spark,
        columns,
        ("now", "eye", "ok", "picture 2", b"22"),
        ("broken", "eye", "corrupt", "picture 3", None),
        ("other eye", "eye 2", "ok", "picture 4", b"44"),
    ).withColumn("listing_id", F.lit("a"))
    absent = {column.name: F.lit(None) for column in FEATURES.columns if column.name not in stored.columns}
    warehouse.append(FEATURES, stored.withColumns(absent))
    contents = frame(
        warehouse.spark,
        "listing_id STRING, content_hash STRING, image_hash STRING, image_uri STRING",
        ("a", "now", "picture 2", None),
        ("a", "retitled", "picture 2", None),
        ("a", "broken", "picture 3", None),
        ("a", "forgotten", "picture 1", None),
        ("a", "other eye", "picture 4", None),
        ("a", "address", None, "/pictures/a"),
        ("a", "none", None, None),
        ("b", "theirs", "picture 2", None),
    )
    found = with_kept_vectors(warehouse, contents, "eye")
    assert rows_of(found, "content_hash", "image_status", "vector") == [
        ("address", "not_kept", None),
        ("broken", "corrupt", None),
        ("forgotten", "not_kept", None),
        ("none", "missing", None),
        ("now", "ok", bytearray(b"22")),
        ("other eye", "not_kept", None),
        ("retitled", "ok", bytearray(b"22")),
        ("theirs", "not_kept", None),
    ]
