"""Sums of fractions that are the same for every order of the rows, so that a run can be repeated to the last digit."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from udfs.quality_rows import UNITS


def sum_in_units(value: Column) -> Column:
    """Sum doubles or booleans (1 or 0) in units of 1/2^24: integers, whose sum has no order.

    Args:
        value: at most 2^39 / number of rows in absolute value. Nulls are left out; if there is nothing else, the sum is
            null. Each value is rounded to the next unit.
    """
    return F.sum(F.round(value.cast("double") * UNITS).cast("bigint"))


def from_units(total: Column) -> Column:
    """The value of a sum in units of 1/2^24, as a double."""
    return total / F.lit(float(UNITS))
