"""Casts values of any type that a file may use to the declared types; null where a cast fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    FractionalType,
    NumericType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from jobs.ingestion.steps.time_format import read_time
from udfs.prices import SIGNS

_SPACES = " \t\r\n\f\v\u00a0\u2007\u200b\u200e\u200f\u202f\u2060\ufeff"
# Epochs are in seconds, milliseconds, microseconds or nanoseconds. For the years 1973 to 5138 the magnitude gives the
# unit. Smaller numbers are not times; 20240131, for example, is a date without separators.
_EPOCH = ((1e17, "0.001"), (1e14, "1"), (1e11, "1000"), (1e8, "1000000"))
_TOO_LARGE = 1e20
_DATA_ADDRESS = r"^\s*data:[^,]{0,100};base64,"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
_DATE = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ]|$)"  # Spark would also accept a year alone or a time without a date
_YEARS = (1970, 2199)
_MAX_AHEAD_DAYS = 1.0
"""Clocks and time zones differ by less."""


def quoted(name: str) -> Column:
    """Refer to a column whose name may contain any character."""
    return F.col("`" + name.replace("`", "``") + "`")


def plain(value: Column, kind: DataType) -> Column:
    """Cast to text without surrounding spaces; null if empty or NaN. The float 12.0 becomes 12."""
    written = F.make_valid_utf8(value.cast("string"))
    if isinstance(kind, FractionalType):
        integer = value.try_cast("bigint")
        written = F.when(integer == value, integer.cast("string")).otherwise(written)
    if isinstance(kind, DoubleType | FloatType):  # pandas writes a missing id among numbers as NaN
        written = F.when(~F.isnan(value), written)
    trimmed = F.btrim(written, F.lit(_SPACES))
    return F.when(trimmed != "", trimmed)


def without_nulls(value: Column, words: Sequence[str]) -> Column:
    """Text, or null if it is one of the words in any case, with or without spaces around it."""
    return F.when(~F.lower(F.btrim(value, F.lit(_SPACES))).isin([word.lower() for word in words]), value)


def text(value: Column, _kind: DataType) -> Column:
    """Cast to text with spaces kept. Invalid UTF-8 is replaced."""
    return F.make_valid_utf8(value.cast("string"))


def is_not_utf8(value: Column, kind: DataType) -> Column:
    """Whether text, or bytes that stand for text, are not UTF-8; false if there is no value. Lists have many texts."""
    if isinstance(kind, ArrayType):
        return F.coalesce(F.exists(value, lambda each: is_not_utf8(each, kind.elementType)), F.lit(False))
    if not isinstance(kind, StringType | BinaryType):
        return F.lit(False)
    return ~F.coalesce(F.is_valid_utf8(value.cast("string")), F.lit(True))


def number(value: Column, kind: DataType) -> Column:
    """Cast to a number; null if it is not a plain one. NaN, negative and zero are kept."""
    if isinstance(kind, NumericType):
        return value.try_cast("double")
    written = plain(value, kind)
    return F.when(written.rlike(_NUMBER), written.try_cast("double"))


def currency(value: Column, kind: DataType) -> Column:
    """Cast to the code of a currency: `eur` and `€` become EUR. What is neither code nor sign stays, in capitals."""
    written = F.upper(plain(value, kind))
    codes = F.create_map(*(F.lit(text) for sign, code in SIGNS.items() for text in (sign.upper(), code)))
    return F.coalesce(F.element_at(codes, written), written)


def time(value: Column, kind: DataType, pattern: str | None = None) -> Column:
    """Cast to a timestamp, in UTC if no zone is given; null if it is not a time in the years 1970 to 2199.

    Args:
        value: a time, a number or text.
        kind: its type.
        pattern: how numbers and texts are written (`time_format.read_time`); None: ISO 8601 or Unix time.
    """
    if isinstance(kind, TimestampType | TimestampNTZType | DateType):
        parsed = value.cast("timestamp")
    elif pattern is not None:
        parsed = read_time(plain(value, kind), pattern)
    elif isinstance(kind, NumericType):
        parsed = _epoch(value)
    else:
        written = plain(value, kind)
        parsed = F.when(written.rlike(_NUMBER), _epoch(written))
        parsed = parsed.when(written.rlike(_DATE), written.try_cast("timestamp"))
    return F.when(F.year(parsed).between(*_YEARS), parsed)


def _epoch(value: Column) -> Column:
    number = value.try_cast("decimal(38,6)")
    micros = F.when(number >= _TOO_LARGE, None)
    for least, factor in _EPOCH:
        micros = micros.when(number >= least, F.floor(number * F.lit(factor).cast("decimal(10,3)")).cast("bigint"))
    return F.timestamp_micros(micros)


def is_future(time: Column, now: dt.datetime, days: float = _MAX_AHEAD_DAYS) -> Column:
    """Whether a time is more than some days after `now`; null if the time is null."""
    return time > F.lit(now + dt.timedelta(days=days))


def image(value: Column, kind: DataType) -> Column:
    """Cast to the encoded picture; null if empty. Text that is not base64 is kept as bytes, which are later corrupt.

    What a `data:` address says before its base64 text is left out.
    """
    if isinstance(kind, StringType):
        value = F.regexp_replace(value, _DATA_ADDRESS, "")
        value = F.coalesce(F.try_to_binary(value, F.lit("base64")), F.to_binary(value, F.lit("utf-8")))
    return F.when(F.octet_length(value) > 0, value)
