"""Takes the value of a row from the first of several columns of a file that has one there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.ingestion.steps import casts
from jobs.ingestion.steps.sources import Source


def of_first_value(sources: Sequence[Source], make: Callable[[Source], Column], nulls: Sequence[str] = ()) -> Column:
    """What a function makes of the first source that has a value in the row; of the first one, if none has.

    A list of several elements counts as a value, even where it cannot be read: what is not read must not be replaced
    by something else in silence.

    Args:
        sources: where to look, in this order; at least one.
        make: makes a column of a source.
        nulls: words that stand for no value.
    """
    first, *others = sources
    if not others:
        return make(first)
    cases = F.when(_has_value(first, nulls), make(first))
    for each in others:
        cases = cases.when(_has_value(each, nulls), make(each))
    return cases.otherwise(make(first))


def _has_value(source: Source, nulls: Sequence[str]) -> Column:
    value = source.value()
    if nulls and isinstance(source.type, StringType):
        value = casts.without_nulls(value, nulls)
    return casts.plain(value, source.type).isNotNull() | source.is_longer_list()
