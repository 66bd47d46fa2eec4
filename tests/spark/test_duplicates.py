"""Listings that offer the same product: which pairs are compared, which are alike, and which listing is kept."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps import duplicates as steps
from jobs.cleaning.steps.duplicates import (
    alike_in_words,
    blocking_keys,
    candidate_pairs,
    current_pairs,
    duplicates,
    linked_pairs,
    same_products,
    with_duplicate_buckets,
    with_words,
)
from jobs.warehouse.components import roots
from tests.spark.frames import frame, rows_of
from udfs.miniatures import distance_udf

_LISTINGS = (
    "listing_id string, content_hash string, title string, description string, title_key bigint, image_key bigint"
)
_PICTURE = 0x1234_5678_9ABC_DEF0
_NEAR = _PICTURE ^ 0b11
_OTHER = 0x0FED_CBA9_8765_4321
_SHOE = "Puma Men Red Running Shoe"
_LONG = "a light shoe for long runs on hard and on soft ground, with a sole of rubber"


def listing(name: str, title: str | None, text: str | None, picture: int | None = _PICTURE) -> tuple[object, ...]:
    return name, f"content of {name}", title, text, None if title in (None, "", "???") else 1, picture


def pairs_of(listings: DataFrame, miniatures: DataFrame, new: str = "true") -> dict[tuple[str, str], bool]:
    """The pairs of the same product -> whether they have the same words."""
    words = with_words(listings)
    keys = blocking_keys(words)
    alike = alike_in_words(candidate_pairs(keys.where(new), keys.where(f"NOT ({new})")), words)
    distance = distance_udf()(F.col("miniature_a"), F.col("miniature_b"))
    found = same_products(alike, miniatures, distance, 2.0).where("NOT needs_price").collect()
    pairs = {tuple(sorted((row.listing_id, row.other_listing_id))): row.same_words for row in found}
    assert len(pairs) == len(found)
    return {(a, b): same for (a, b), same in pairs.items()}


def priced_pairs_of(listings: DataFrame) -> set[tuple[str, str]]:
    """The pairs that are duplicates if their prices are equal."""
    words = with_words(listings)
    keys = blocking_keys(words)
    alike = alike_in_words(candidate_pairs(keys, keys.limit(0)), words).where("needs_price").collect()
    pairs = [sorted((row.listing_id, row.other_listing_id)) for row in alike]
    return {(a, b) for a, b in pairs}


def miniatures_of(listings: DataFrame, unlike: tuple[str, ...] = ()) -> DataFrame:
    """The same miniature for all listings with a picture, except some."""
    same, other = bytearray([100] * 192), bytearray([103] * 192)
    shown = F.when(F.col("listing_id").isin(*unlike), F.lit(other)).otherwise(F.lit(same))
    return listings.where("image_key IS NOT NULL").select("listing_id", "content_hash", shown.alias("miniature"))


def test_listings_are_alike_if_texts_and_pictures_agree(spark: SparkSession) -> None:
    listings = frame(
        spark,
        _LISTINGS,
        listing("shoe", _SHOE, "Red, Casual"),
        listing("new", f"{_SHOE.upper()} NEW!!", "Red, Casual", _NEAR),
        listing("turned", "Red Running Shoe, Puma (Men)", None, _NEAR),
        listing("size 9", f"{_SHOE} 9", "Red, Casual"),
        listing("blue", "Puma Men Blue Running Shoe", "Red, Casual"),
        listing("other text", _SHOE, "for children and their parents"),
        listing("unlike", _SHOE, "Red, Casual"),
        listing("skirt", "Lee Women Green Skirt", "Green, Formal"),
        listing("untitled", "???", "Green, Formal"),
        listing("no picture", _SHOE, "Red, Casual", None),
        listing("far hash", _SHOE, "Red, Casual", _OTHER),
        listing("text 1", "Trail shoe", _LONG, None),
        listing("text 2", "TRAIL  SHOE", _LONG.upper(), None),
        listing("short 1", "Red trail shoe", "light, for long runs", None),
        listing("short 2", "Trail shoe, red", "light, for long runs", None),
        listing("few 1", "Red trail shoe", "light", None),
        listing("few 2", "Red trail shoe", "light", None),
        listing("nothing", None, None),
        listing("nothing too", None, None),
    )
    got = pairs_of(listings, miniatures_of(listings, unlike=("unlike",)))
    shoes = {("new", "shoe"): False, ("new", "turned"): False, ("shoe", "turned"): False, ("far hash", "shoe"): True}
    others = {("skirt", "untitled"): False, ("other text", "turned"): False}
    assert got == shoes | others | {("text 1", "text 2"): True}
    unpictured = {("far hash", "no picture"), ("no picture", "shoe"), ("no picture", "unlike")}
    assert priced_pairs_of(listings) == {("short 1", "short 2"), *unpictured}
    # Only pairs with a new listing are compared, and they are the same ones.
    part = pairs_of(listings, miniatures_of(listings, unlike=("unlike",)), "listing_id IN ('turned', 'text 2')")
    assert part == {pair: same for pair, same in got.items() if {"turned", "text 2"} & set(pair)}


def test_many_listings_of_a_key_are_compared_with_a_few(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{i:02}" for i in range(60)]
    listings = frame(spark, _LISTINGS, *(listing(name, _SHOE, "Red, Casual") for name in names))
    everything = pairs_of(listings, miniatures_of(listings))
    assert set(everything) == set(itertools.combinations(names, 2))
    monkeypatch.setattr(steps, "MAX_BLOCK", 20)
    monkeypatch.setattr(steps, "_FIRST", 3)
    few = pairs_of(listings, miniatures_of(listings))
    assert len(few) == 20 * 19 // 2 + 40 * 3
    pairs = frame(spark, "a bigint, b bigint", *((int(a), int(b)) for a, b in few))
    assert {row.root for row in roots(pairs).collect()} == {0}


def test_the_listing_that_was_kept_stays_and_variants_of_a_seller_are_none(spark: SparkSession) -> None:
    pairs = frame(
        spark,
        "listing_id string, content_hash string, other_listing_id string, other_content_hash string, "
        "same_words boolean, needs_price boolean",
        ("a", "1", "b", "1", True, False),
        ("b", "1", "c", "1", False, False),
        ("d", "1", "e", "1", False, False),
        ("f", "1", "g", "1", True, False),
        ("h", "1", "i", "1", True, False),
        ("j", "1", "k", "old", True, False),
        ("l", "1", "m", "1", False, False),
        ("n", "1", "o", "1", True, True),
        ("p", "1", "q", "1", True, True),
        ("r", "1", "s", "1", True, True),
    )
    size = {"size": "9"}
    days = {name: dt.datetime(2026, 1, day, tzinfo=dt.UTC) for name, day in {"a": 3, "b": 2, "c": 1}.items()}
    noon = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    sellers = {"d": "one", "e": "one", "f": "one", "g": "one", "h": "one", "i": "one"}
    attributes = {"h": size}
    names, prices = "abcdefghijklmnopqrs", {"n": 9.5, "o": 9.5, "p": 9.5, "q": 8.5}
    listings = frame(
        spark,
        "listing_id string, content_hash string, seller_id string, attributes map<string, string>, "
        "updated_at timestamp, price double",
        *((n, "1", sellers.get(n), attributes.get(n), days.get(n, noon), prices.get(n)) for n in names),
    )
    nothing = frame(spark, "listing_id string, duplicate_of string")
    current = current_pairs(pairs, listings)
    assert rows_of(current, "listing_id") == [(n,) for n in "abdfhlnpr"]
    groups = roots(linked_pairs(current, listings))
    got = duplicates(groups, listings, nothing)
    # Of f and g, which are as old as each other, the smaller id is kept.
    first = [("a", "c"), ("b", "c"), ("g", "f"), ("m", "l"), ("o", "n")]
    assert rows_of(got, "listing_id", "duplicate_of") == first
    before = frame(spark, "listing_id string, duplicate_of string", ("c", "a"), ("a", None), ("l", "m"))
    later = duplicates(groups, listings, before)
    assert rows_of(later, "listing_id", "duplicate_of") == [("b", "a"), ("c", "a"), ("g", "f"), ("l", "m"), ("o", "n")]


def test_the_duplicates_of_a_listing_s_own_seller_are_known(spark: SparkSession) -> None:
    rows = [("a", "S", 3), ("b", "S", 8), ("c", "T", 9), ("d", "S", 3), ("e", "U", 6), ("f", "U", 6), ("g", "U", 7)]
    nobodys = [("x", None, 1), ("y", None, 2)]
    undecided = [(*row, None) for row in rows + nobodys]
    columns = "listing_id string, seller_id string, bucket int, decided_category string"
    listings = frame(spark, columns, *undecided, ("h", "S", 5, "boots"))
    pairs = [("b", "a"), ("c", "a"), ("d", "a"), ("f", "e"), ("g", "withdrawn"), ("y", "x"), ("h", "a")]
    found = frame(spark, "listing_id string, duplicate_of string", *pairs)
    result = rows_of(with_duplicate_buckets(listings, found), "listing_id", "duplicate_buckets")
    assert result == [(name, [3, 5, 8] if name in "abd" else None) for name in "abcdefghxy"]
