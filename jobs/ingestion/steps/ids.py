"""Listing ids that programs have turned into numbers: `123.0` for 123, or a rounded one.

A program that reads ids as numbers with decimals, as pandas does where one is missing, writes `123.0`. That is the id
123 only if all ids of the delivery are numbers; among other ids it may be a name of its own.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DoubleType, FloatType

ROUNDED = r"^[0-9]([.,][0-9]+)?[eE]\+[0-9]+$"
"""What a spreadsheet makes of a long id."""
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?(E[0-9]{1,2})?$"
_POINT = r"^-?(0|[1-9][0-9]*)\.0+$"
_POWER = r"^-?[1-9]\.[0-9]+E[0-9]{1,2}$"
"""Spark writes a number of JSON with a point so, if it is at least ten million."""
_EXACT_DOUBLE, _EXACT_FLOAT = 2**53, 2**24
"""From here on, numbers of this kind skip whole numbers."""


def is_damaged(listing_id: Column, delivered: Column, kind: DataType) -> Column:
    """Whether an id has probably lost digits, because it went through a number with too few.

    Args:
        listing_id: the id as text.
        delivered: the id as delivered.
        kind: its type.
    """
    if isinstance(kind, DoubleType | FloatType):
        return F.abs(delivered) >= F.lit(float(_EXACT_DOUBLE if isinstance(kind, DoubleType) else _EXACT_FLOAT))
    number = F.when(_is_pointed(listing_id), listing_id.try_cast("double"))
    return listing_id.rlike(ROUNDED) | F.coalesce(F.abs(number) >= F.lit(float(_EXACT_DOUBLE)), F.lit(False))


def id_forms(rows: DataFrame) -> DataFrame:
    """One row: `all_numbers`, whether all ids are numbers without zeros before them, and `any_point`.

    Args:
        rows: listing_id. Ids that are missing do not count; rounded ones are numbers.
    """
    listing_id = F.col("listing_id")
    return rows.agg(
        F.coalesce(F.bool_and(listing_id.rlike(_NUMBER) | listing_id.rlike(ROUNDED)), F.lit(False)).alias(
            "all_numbers"
        ),
        F.coalesce(F.bool_or(_is_pointed(listing_id)), F.lit(False)).alias("any_point"),
    )


def with_point(ids: DataFrame) -> DataFrame:
    """The ids with a point: `stored`, and `listing_id`, the id without it.

    Args:
        ids: listing_id, each once.
    """
    return ids.where(_is_pointed(F.col("listing_id"))).select(
        F.col("listing_id").alias("stored"), without_point(F.col("listing_id")).alias("listing_id")
    )


def without_point(listing_id: Column) -> Column:
    """A whole number without its point and the zeros behind it: `123.0` becomes 123, `1.25E7` becomes 12500000."""
    number = F.when(listing_id.rlike(_POWER), listing_id.try_cast("decimal(38,10)"))
    whole = number.try_cast("bigint")
    plain = F.when(listing_id.rlike(_POINT), F.regexp_replace(listing_id, r"\.0+$", ""))
    return plain.when(whole == number, whole.cast("string")).otherwise(listing_id)


def _is_pointed(listing_id: Column) -> Column:
    return listing_id.rlike(_POINT) | listing_id.rlike(_POWER)
