"""How times are written, if a setting says so: in a pattern, or as Unix time in seconds or milliseconds."""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

UNIX = {"seconds": 1_000_000, "milliseconds": 1_000}
"""Unit of a Unix time -> microseconds."""
_QUOTED = re.compile(r"'[^']*'")
_NEEDED = {"a year (yyyy)": "yu", "a month (MM, not mm)": "ML", "a day (dd)": "d"}


def fault_of_format(written: str) -> str | None:
    """What is wrong with a format for times; None: nothing is.

    A pattern without month, or with minutes in its place, would give wrong times and no error.
    """
    if written in UNIX:
        return None
    letters = _QUOTED.sub("", written)
    lacking = [name for name, any_of in _NEEDED.items() if not set(letters) & set(any_of)]
    if lacking:
        return f"it lacks {' and '.join(lacking)}"
    if set(letters) & {"h", "K"} and "a" not in letters:
        return "hh needs a, for AM or PM; HH counts the hours up to 23"
    return None


def read_time(text: Column, written: str) -> Column:
    """The time of a text, in UTC if it has no zone; null if it is not written so.

    Args:
        text: without spaces around it.
        written: a key of `UNIX`, or a pattern of Spark such as `dd.MM.yyyy HH:mm`.
    """
    if written not in UNIX:
        return F.try_to_timestamp(text, F.lit(written))
    number = F.when(text.rlike(r"^[0-9]{1,15}(\.[0-9]*)?$"), text.try_cast("decimal(38,6)"))
    return F.timestamp_micros(F.floor(number * F.lit(UNIX[written])).cast("bigint"))
