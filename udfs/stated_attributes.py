"""Rule: the attributes that a listing states, as a column."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.attributes import CONDITION

STATED = "ARRAY<STRUCT<attribute: STRING, value: STRING, part: INT>>"
"""The type of `stated_attributes`. `part` is that of `schemas.attributes.AttributeHead`."""


def stated_attributes(parts: Mapping[int, str], separator: str) -> Column:
    """What the columns condition, attributes and description of a listing state, without empty values.

    Args:
        parts: position among the parts of the description, from 0 -> the attribute that it states.
        separator: what stands between the parts of a description.
    """
    columns = F.transform(
        F.coalesce(F.map_entries("attributes"), F.array().cast("ARRAY<STRUCT<key: STRING, value: STRING>>")),
        lambda entry: _stated(entry["key"], entry["value"], -1),
    )
    first_sentence = F.regexp_extract(F.coalesce("description", F.lit("")), r"^[^.\r\n]*", 0)
    split = F.split(first_sentence, re.escape(separator))
    others = [
        _stated(F.lit(CONDITION), F.col("condition"), -1),
        *(_stated(F.lit(name), F.get(split, F.lit(part)), part) for part, name in parts.items()),
    ]
    return F.filter(F.concat(columns, F.array(*others)).cast(STATED), lambda each: each["value"] != "")


def same_value(value: Column) -> Column:
    """A value without regard to case and surrounding space, for comparison."""
    return F.lower(F.trim(value))


def _stated(attribute: Column, value: Column, part: int) -> Column:
    return F.struct(attribute.alias("attribute"), F.trim(value).alias("value"), F.lit(part).alias("part"))
