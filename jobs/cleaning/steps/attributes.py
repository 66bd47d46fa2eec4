"""What the predicted attributes say: values that listings lack, and conditions that listings should not state."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.attributes import CONDITION, AttributeModel
from udfs.stated_attributes import same_value, stated_attributes

_KEY = ["listing_id", "content_hash"]


def with_contradiction(scored: DataFrame) -> DataFrame:
    """Replace `attributes` by what it says against the condition that the listing states.

    Args:
        scored: condition, and attributes of predictions; both may be null.

    Returns:
        The rows with `condition_contradiction`, the probability that the condition is another one, 0 to 1, null if it
        states none that the model knows; and `likely_condition`, the most probable one, null if the model knows none.
    """
    stated = F.filter(_conditions(), lambda each: same_value(each["value"]) == same_value(F.col("condition")))
    added = {
        "condition_contradiction": F.get(stated, F.lit(0))["contradiction"],
        "likely_condition": likely_condition()["value"],
    }
    return scored.withColumns(added).drop("attributes")


def likely_condition() -> Column:
    """The most probable condition in the column `attributes` of predictions; null if the model knows none."""
    likely = F.filter(_conditions(), lambda each: each["probability"] == _best(_conditions()))
    return F.get(likely, F.lit(0)).alias("likely_condition")


def attribute_suggestions(predictions: DataFrame, listings: DataFrame, model: AttributeModel) -> DataFrame:
    """Rows of the table attribute_suggestions, without the run's columns.

    A value is suggested if the listing does not state the attribute, and the value is as probable as the model's
    threshold demands. A part of a description states an attribute only with a value that the model knows: other
    descriptions are sentences.

    Args:
        predictions: listing_id, content_hash and attributes of predictions.
        listings: the same listings with condition, attributes and description.
        model: what the model has learnt.
    """
    parts = {head.part: head.name for head in model.heads if head.part >= 0}
    vocabulary = _by_attribute(
        {head.name: F.array(*(F.lit(value.lower()) for value in head.values)) for head in model.heads}, "array<string>"
    )
    thresholds = _by_attribute({head.name: F.lit(head.suggest_from) for head in model.heads}, "double")

    def is_stated(entry: Column) -> Column:
        in_vocabulary = F.array_contains(vocabulary[entry["attribute"]], same_value(entry["value"]))
        return (entry["part"] < 0) | F.coalesce(in_vocabulary, F.lit(False))

    stated = F.filter(stated_attributes(parts, model.separator), is_stated)
    named = listings.select(*_KEY, F.transform(stated, lambda each: each["attribute"]).alias("stated"))

    def is_plain(each: Column) -> Column:
        same = F.filter("attributes", lambda other: other["attribute"] == each["attribute"])
        is_best = each["probability"] == _best(same)
        is_missing = ~F.array_contains("stated", each["attribute"])
        return is_best & is_missing & (each["probability"] >= thresholds[each["attribute"]])

    missing = predictions.select(*_KEY, "attributes").where(F.col("attributes").isNotNull()).join(named, _KEY)
    plain = missing.select(*_KEY, F.explode(F.filter("attributes", is_plain)).alias("found"))
    return plain.select(
        *_KEY,
        "found.attribute",
        "found.value",
        F.col("found.probability").alias("confidence"),
        _evidence(F.col("found")).alias("evidence"),
    )


def _conditions() -> Column:
    return F.filter("attributes", lambda each: each["attribute"] == CONDITION)


def _by_attribute(values: Mapping[str, Column], kind: str) -> Column:
    """A map by attribute; the cast is for a model without attributes."""
    entries = (each for name, value in values.items() for each in (F.lit(name), value))
    return F.create_map(*entries).cast(f"map<string, {kind}>")


def _best(values: Column) -> Column:
    return F.array_max(F.transform(values, lambda each: each["probability"]))


def _evidence(found: Column) -> Column:
    """What words and picture say, as text; a part without input is left out."""
    parts = [
        F.when(found[name].isNotNull(), F.format_string(f"{words} %.0f %%", 100 * found[name]))
        for name, words in (("by_words", "by its words"), ("by_picture", "by its picture"))
    ]
    return F.concat_ws(", ", *parts)
