"""Reads JSON files: one object a line, or an array of objects, or objects over several lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import ijson
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.ingestion.copies import Copies
from jobs.ingestion.files import escaped
from jobs.ingestion.rows import MALFORMED, MAX_MALFORMED_TEXT, Rows
from jobs.ingestion.text_files import Decoding, Text, TextSettings, inspect
from schemas.errors import UsageError

_NON_FINITE = ('"NaN"', '"Infinity"', '"-Infinity"')
"""Spark returns these values as strings in quotes."""
_NOT_BLANK = r"\S"
_MARK = "\ufeff"


def read_json(spark: SparkSession, paths: Sequence[str], settings: TextSettings, copies: Copies) -> Rows:
    """Read JSON files.

    Raises:
        UsageError: a file cannot be read, its encoding is not sure, or it has no object.
    """
    lines, counted = [], 0
    for path in paths:
        text, count = inspect(spark, path, settings, _count_lines)
        if _is_document(text):
            copy, count = _as_lines(text, copies)
            lines.append(copy)
        else:
            lines.append(text.for_spark(copies))
        counted += count
    return Rows((_read_lines(spark, lines, ", ".join(path.rsplit("/", 1)[-1] for path in paths[:3])),), counted)


def _count_lines(text: Text, decoding: Decoding) -> int:
    """The number of lines that are not blank."""
    with text.open() as lines:
        return sum(1 for line in decoding.watch(lines) if _content(line))


def _is_document(text: Text) -> bool:
    """Whether the file is an array, or its first object goes over several lines."""
    first = _first_line(text)
    if first.startswith("[") or first == "{":
        return True
    try:
        json.loads(first)
    except ValueError:
        return first.startswith("{") and _has_object(text)
    return False


def _has_object(text: Text) -> bool:
    try:
        return next(_objects(text), None) is not None
    except ijson.JSONError:
        return False


def _as_lines(text: Text, copies: Copies) -> tuple[str, int]:
    """Write the objects of a document one a line; the path of the copy and their number."""
    count = 0
    try:
        with copies.write(f"{text.name}.jsonl") as (path, out):
            for each in _objects(text):
                out.write(json.dumps(each, ensure_ascii=False, default=str) + "\n")
                count += 1
    except ijson.JSONError as error:
        raise UsageError(f"{text.name} is neither JSON lines nor a JSON array: {error}.") from error
    return path, count


def _objects(text: Text) -> Iterator[Any]:
    """The elements of an array, or the values that follow each other; one at a time, so that memory is bounded."""
    prefix = "item" if _first_line(text).startswith("[") else ""
    with text.open() as file:
        yield from ijson.items(_Recoded(file), prefix, multiple_values=True)


class _Recoded:
    """A text as a file of bytes in UTF-8, without a mark."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._is_first = True

    def read(self, size: int = -1) -> bytes:
        """About so many bytes."""
        data = self._text.read(size)
        if self._is_first and data:
            data, self._is_first = data.removeprefix(_MARK), False
        return data.encode("utf-8")


def _first_line(text: Text) -> str:
    with text.open() as lines:
        return next((_content(line) for line in lines if _content(line)), "")


def _content(line: str) -> str:
    return line.removeprefix(_MARK).strip()


def _read_lines(spark: SparkSession, paths: Sequence[str], name: str) -> DataFrame:
    """Read every value as text, because types may differ between lines. A line that is not an object is malformed."""
    lines = spark.read.text(list(escaped(paths))).where(F.col("value").rlike(_NOT_BLANK))
    keys = lines.select(F.explode(F.json_object_keys("value"))).distinct().collect()
    names = sorted(row[0] for row in keys if row[0] != MALFORMED)
    if not names and not lines.isEmpty():
        raise UsageError(f"{name}: no line is a JSON object; a JSON lines file has one object per line.")
    alike: dict[str, list[str]] = {}
    for each in names:
        alike.setdefault(each.lower(), []).append(each)
    schema = StructType(
        [StructField(name, StringType()) for name in (*(each[0] for each in alike.values()), MALFORMED)]
    )
    parsed = F.from_json("value", schema, {"columnNameOfCorruptRecord": MALFORMED})
    rows = lines.select(F.col("value").alias("__line__"), parsed.alias("r"))
    is_malformed = F.col("r").isNull() | _field(MALFORMED).isNotNull()
    malformed = F.when(is_malformed, F.substring("__line__", 1, MAX_MALFORMED_TEXT))
    return rows.select(*(_value(each).alias(each[0]) for each in alike.values()), malformed.alias(MALFORMED))


def _value(names: Sequence[str]) -> Column:
    """The value of the first of the names, which differ only in case, that the line has.

    Spark does not tell fields apart that differ only in case, so the others are read from the line.
    """
    others = [F.get_json_object("__line__", f"$['{name}']") for name in names[1:]]
    value = F.coalesce(_field(names[0]), *others) if others else _field(names[0])
    return F.when(value.isin(*_NON_FINITE), F.btrim(value, F.lit('"'))).otherwise(value)


def _field(name: str) -> Column:
    return F.col("r").getField(name)
