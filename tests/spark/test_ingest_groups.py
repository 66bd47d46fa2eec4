from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ingestion.groups import MAX_TITLES, assign_groups, bucket
from jobs.warehouse import components
from tests.spark.frames import frame, rows_of

_KEYS = "title_key bigint, image_key bigint, image_hash string"
Listing = tuple[str, int | None, int | None, str | None]


def _new(spark: SparkSession, *rows: Listing) -> DataFrame:
    return frame(spark, f"listing_id string, {_KEYS}", *rows)


def _stored(spark: SparkSession, *rows: tuple[str, str, int | None, int | None, str | None]) -> DataFrame:
    return frame(spark, f"listing_id string, group_id string, {_KEYS}", *rows)


def _groups(new: DataFrame, stored: DataFrame) -> dict[str, str]:
    return dict(rows_of(assign_groups(new, stored), "listing_id", "group_id"))


def test_titles_and_pictures_link_listings_over_any_number_of_steps(spark: SparkSession) -> None:
    rows: list[Listing] = [
        ("e", 1, None, None),
        ("d", 1, 10, "d"),
        ("c", 2, 10, "c"),  # has the same picture as d
        ("b", 2, 11, "b"),
        ("a", 3, 11, "a"),
        ("alone", 4, 12, "alone"),
    ]
    expected = {**dict.fromkeys("abcde", "a"), "alone": "alone"}
    for order, parts in ((rows, 1), (rows[::-1], 1), (rows[3:] + rows[:3], 5)):
        assert _groups(_new(spark, *order).repartition(parts), _stored(spark)) == expected


def test_a_title_and_a_picture_with_the_same_key_do_not_link_listings(spark: SparkSession) -> None:
    assert _groups(_new(spark, ("a", 5, None, None), ("b", None, 5, "b")), _stored(spark)) == {"a": "a", "b": "b"}


def test_listings_without_title_and_picture_have_their_own_group(spark: SparkSession) -> None:
    # A corrupt picture has a hash of its bytes, but shows nothing.
    rows: list[Listing] = [
        ("a", None, None, None),
        ("b", None, None, None),
        ("c", None, None, "x"),
        ("d", 1, None, "x"),
    ]
    assert _groups(_new(spark, *rows), _stored(spark)) == {name: name for name in "abcd"}


def test_a_picture_under_many_titles_joins_nothing_but_its_titles_still_do(spark: SparkSession) -> None:
    many: list[Listing] = [(f"{i:02}", i, 7, "same") for i in range(MAX_TITLES + 1)]
    twin: Listing = ("99", 3, 8, "own")
    found = _groups(_new(spark, *many, twin), _stored(spark))
    assert found == {**{f"{i:02}": f"{i:02}" for i in range(MAX_TITLES + 1)}, "99": "03"}
    few = _groups(_new(spark, *many[:MAX_TITLES]), _stored(spark))
    assert set(few.values()) == {"00"}
    under_one_title: list[Listing] = [(f"{i:02}", 1, 7, "same") for i in range(MAX_TITLES + 5)]
    assert set(_groups(_new(spark, *under_one_title), _stored(spark)).values()) == {"00"}
    untitled: list[Listing] = [(f"{i:02}", None, 7, "same") for i in range(MAX_TITLES + 1)]
    assert len(set(_groups(_new(spark, *untitled), _stored(spark)).values())) == MAX_TITLES + 1


def test_bytes_join_where_a_common_look_does_not(spark: SparkSession) -> None:
    many: list[Listing] = [(f"{i:02}", i, 7, str(i)) for i in range(MAX_TITLES + 1)]
    found = _groups(_new(spark, *many, ("twin", 500, 7, "4")), _stored(spark))
    assert found["twin"] == "04"
    assert found["05"] == "05"


def test_new_listings_join_the_smallest_stored_group(spark: SparkSession) -> None:
    stored = _stored(
        spark,
        ("s1", "group m", 1, 10, "x"),
        ("s2", "group k", 2, 11, "y"),
        ("s3", "group a", 3, 12, "z"),
    )
    new = _new(
        spark,
        ("by title", 1, None, None),
        ("by picture", 50, 11, "other"),
        ("by both", 1, 11, "other"),
        ("chain", 60, 70, "c"),
        ("end", 2, 70, "d"),
        ("alone", 80, 80, "e"),
    )
    # The chain of near duplicates reaches s1 and s2: the smaller of their groups is used.
    joined = dict.fromkeys(("by title", "by picture", "by both", "chain", "end"), "group k")
    assert _groups(new, stored) == {**joined, "alone": "alone"}


def test_the_limit_of_titles_counts_stored_listings_too(spark: SparkSession) -> None:
    stored = _stored(spark, *((f"s{i}", f"s{i}", i, 7, "same") for i in range(MAX_TITLES)))
    assert _groups(_new(spark, ("new", 99, 7, "same")), stored) == {"new": "new"}


def test_buckets_are_of_the_group_alone_and_in_range(spark: SparkSession) -> None:
    names = spark.range(50_000).select(F.col("id").cast("string").alias("g"))
    found = names.select(bucket(F.col("g")).alias("b"))
    low, high, distinct = found.agg(F.min("b"), F.max("b"), F.count_distinct("b")).collect()[0]
    assert (low, high, distinct) == (0, 2519, 2520)
    # Buckets are stored with the listings: another hash would assign them to other members.
    assert frame(spark, "g string", ("1163",)).select(bucket(F.col("g"))).collect()[0][0] == 2333


def test_spark_and_the_driver_find_the_same_groups(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two chains of listings, in each of which neighbours share a title or a picture, and a title that many share."""
    chains = [
        (f"{name}{i}", start + i // 2, start + (i + 1) // 2, f"{name}{(i + 1) // 2}")
        for name, start in (("c", 10), ("d", 20))
        for i in range(9)
    ]
    star = [(f"e{i:02}", 40, 50 + i // 2, f"e{i // 2}") for i in range(12)]
    new = _new(spark, *chains, *star, ("alone", 99, 300, "z"))
    first = {"c": "c0", "d": "d0", "e": "e00"}
    expected = {name: first[name[0]] for name, *_ in (*chains, *star)} | {"alone": "alone"}
    assert _groups(new, _stored(spark)) == expected
    monkeypatch.setattr(components, "MAX_COLLECTED", 0)
    assert _groups(new, _stored(spark)) == expected
