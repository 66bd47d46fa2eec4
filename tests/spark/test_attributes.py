"""What listings state, what they lack, and the conditions that they should not state."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.attribute_settings import AttributeSettings
from jobs.cleaning.steps.attributes import attribute_suggestions, with_contradiction
from schemas.attributes import CONDITION, AttributeHead, AttributeModel
from tests.spark.frames import frame, rows_of
from training.attribute_sample import read_attribute_sample
from training.folds import may_learn
from udfs.stated_attributes import stated_attributes

LISTINGS = (
    "listing_id string, content_hash string, title string, description string, condition string, "
    "attributes map<string, string>, bucket int, duplicate_buckets array<int>, vector binary"
)
PREDICTED = (
    "array<struct<attribute: string, value: string, probability: double, by_words: double, by_picture: double, "
    "contradiction: double>>"
)
TEXT: dict[str, int | float | list[int]] = {
    "hash_size": 1 << 12, "word_ngrams": 1, "char_ngrams": [3, 4], "max_chars": 100,
}  # fmt: skip


def head(name: str, values: tuple[str, ...], part: int, suggest_from: float) -> AttributeHead:
    """A head of which only what it suggests matters."""
    empty, size = np.zeros((3, 0, len(values)), np.float32), np.zeros((3, len(values)), np.float32)
    return AttributeHead(
        name, values, part, np.zeros(0, np.int64), empty, size, empty, size, np.ones(4), suggest_from, None,
        np.zeros(len(values), np.bool_), np.full(len(values), 1 / len(values)), 100, 0.5, 0.95,
    )  # fmt: skip


@pytest.fixture(scope="module")
def listings(spark: SparkSession) -> DataFrame:
    vector = np.array([1.0, 2.0], np.float16).tobytes()
    return frame(
        spark,
        LISTINGS,
        ("named", "h", "Shoe", "Navy Blue, Casual. Call", None, {"material": " Leather", "use": "sport"}, 1, [5],
         vector),
        ("prose", "h", "Blue shoe", "Worn twice, with care", "used", None, 2, None, None),
        ("bare", "h", "Red shoe", None, " ", {"material": ""}, 3, None, None),
    )  # fmt: skip


def test_columns_and_parts_of_descriptions_state_attributes(listings: DataFrame) -> None:
    stated = listings.select("listing_id", stated_attributes({0: "colour", 1: "use"}, ",").alias("stated"))
    found = {row.listing_id: [tuple(each) for each in row.stated] for row in stated.collect()}
    assert found == {
        "named": [("material", "Leather", -1), ("use", "sport", -1), ("colour", "Navy Blue", 0), ("use", "Casual", 1)],
        "prose": [("condition", "used", -1), ("colour", "Worn twice", 0), ("use", "with care", 1)],
        "bare": [],
    }


def test_a_separator_is_no_pattern(spark: SparkSession) -> None:
    rows = frame(spark, "description string, condition string, attributes map<string, string>", ("a|b", None, None))
    [row] = rows.select(stated_attributes({1: "second"}, "|").alias("stated")).collect()
    assert [tuple(each) for each in row.stated] == [("second", "b", 1)]


def test_the_sample_has_the_listings_that_state_something(listings: DataFrame) -> None:
    sample = read_attribute_sample(listings, AttributeSettings(description=("colour", "use")), TEXT)
    assert sorted(sample.buckets.tolist()) == [1, 2]
    named = sample.buckets.tolist().index(1)
    # Its duplicate has bucket 5.
    assert may_learn(sample.left_out[[named]], np.arange(3), 3).tolist() == [True, False, False]
    assert sample.pictures.present.tolist() == [place == named for place in range(2)]
    assert sample.pictures.values[named].tolist() == [1.0, 2.0]
    assert {name: (each.part, sorted(each.values)) for name, each in sample.stated.items()} == {
        "colour": (0, ["Navy Blue", "Worn twice"]),
        "condition": (-1, ["used"]),
        "material": (-1, ["Leather"]),
        "use": (-1, ["sport"]),  # a column counts, so the description's part does not
    }
    assert len(read_attribute_sample(listings.where("listing_id = 'bare'"), AttributeSettings(), TEXT).buckets) == 0


def test_a_value_is_suggested_where_it_is_plain_and_missing(spark: SparkSession, listings: DataFrame) -> None:
    model = AttributeModel((head("colour", ("navy blue", "red"), 0, 0.8), head("material", ("leather",), -1, 0.5)), ",")
    sure = ("colour", "red", 0.9, 0.95, None, None)
    predictions = frame(
        spark,
        f"listing_id string, content_hash string, attributes {PREDICTED}",
        ("named", "h", [sure, ("material", "leather", 0.9, 0.9, 0.4, None)]),
        ("prose", "h", [sure, ("material", "leather", 0.4, None, 0.4, None)]),
        ("bare", "h", [("colour", "red", 0.7, 0.7, 0.7, None), ("material", "leather", 0.6, 0.7, 0.2, None)]),
    )
    found = attribute_suggestions(predictions, listings, model)
    assert rows_of(found, "listing_id", "content_hash", "attribute", "value", "confidence", "evidence") == [
        ("bare", "h", "material", "leather", 0.6, "by its words 70 %, by its picture 20 %"),
        ("prose", "h", "colour", "red", 0.9, "by its words 95 %"),
    ]


def test_of_several_values_only_the_most_probable_is_suggested(spark: SparkSession, listings: DataFrame) -> None:
    model = AttributeModel((head(CONDITION, ("new", "used"), -1, 0.3),), ",")
    both = [(CONDITION, "used", 0.6, 0.6, None, 0.0), (CONDITION, "new", 0.4, 0.4, None, 0.9)]
    ddl = f"listing_id string, content_hash string, attributes {PREDICTED}"
    found = attribute_suggestions(frame(spark, ddl, ("bare", "h", both), ("prose", "h", both)), listings, model)
    assert rows_of(found, "listing_id", "attribute", "value") == [("bare", CONDITION, "used")]


def test_a_model_without_attributes_suggests_nothing(spark: SparkSession, listings: DataFrame) -> None:
    ddl = f"listing_id string, content_hash string, attributes {PREDICTED}"
    predictions = frame(spark, ddl, ("bare", "h", None), ("prose", "h", []))
    assert attribute_suggestions(predictions, listings, AttributeModel((), ",")).collect() == []


def test_the_stated_condition_has_its_own_contradiction(spark: SparkSession) -> None:
    both = [
        ("colour", "red", 0.9, 0.9, None, None),
        (CONDITION, "Used", 0.7, 0.7, None, 0.1),
        (CONDITION, "new", 0.3, 0.3, None, 0.8),
    ]
    scored = frame(
        spark,
        f"listing_id string, condition string, attributes {PREDICTED}",
        ("new", " NEW", both),
        ("used", "used", both),
        ("unknown", "shabby", both),
        ("silent", None, both),
        ("unscored", "new", None),
    )
    found = with_contradiction(scored)
    assert "attributes" not in found.columns
    assert rows_of(found, "listing_id", "condition_contradiction", "likely_condition") == [
        ("new", 0.8, "Used"),
        ("silent", None, "Used"),
        ("unknown", None, "Used"),
        ("unscored", None, None),
        ("used", 0.1, "Used"),
    ]
