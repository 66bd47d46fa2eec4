"""Finds values in JSON objects by paths, through lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

Values = list[str] | None


def json_values_udf(paths: Sequence[Sequence[str]]) -> Callable[[Column], Column]:
    """Make a UDF: the text of a JSON object -> a struct of arrays `_0`, `_1`, ..., one a path, as `json_values`."""
    names = [f"_{place}" for place in range(len(paths))]

    def each(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for texts in batches:
            rows = [json_values(text, paths) for text in texts]
            yield pd.DataFrame(rows, columns=names, dtype=object)

    kind = ", ".join(f"{name} ARRAY<STRING>" for name in names)
    udf = pandas_udf(each, kind)  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def json_values(text: str | None, paths: Sequence[Sequence[str]]) -> list[Values]:
    """Find the values at some paths.

    Args:
        text: a JSON object.
        paths: names of fields, from the outside to the inside. Of a list, the field of each element counts. Of fields
            whose names differ only in case, one with a value counts, best that with the very name.

    Returns:
        For each path its values as text, in order, those of lists one by one; None if there are none, or if the text is
        no JSON object. A number stays as it is written, an object is JSON. What is no character is replaced by U+FFFD.
    """
    try:
        # Numbers are not computed with, so 0.10 and large ones stay as they are written.
        found = json.loads(text or "", parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return [None] * len(paths)
    return [[_text(value) for value in _at(found, path)] or None for path in paths]


def _at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path)
    elif path:
        if isinstance(value, dict):
            yield from _at(_field(value, path[0]), path[1:])
    elif value is not None:
        yield value


def _field(value: dict[str, Any], name: str) -> Any:
    if value.get(name) is not None:
        return value[name]
    return next((each for key, each in value.items() if each is not None and key.lower() == name.lower()), None)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON may contain half of a character that UTF-16 writes in two parts, such as a cut-off emoji.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
