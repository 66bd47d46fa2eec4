"""Reads JSON files: one object a line, or an array of objects, or objects over several lines."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

import ijson
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.ingestion.copies import Copies
from jobs.ingestion.files import escaped
from jobs.ingestion.rows import MALFORMED, MAX_MALFORMED_TEXT, Rows
from jobs.ingestion.steps.sources import divisions
from jobs.ingestion.text_files import Decoding, Text, TextSettings, inspect
from schemas.errors import UsageError
from udfs.json_values import json_values_udf

_NAN, _INFINITE = '"NaN"', ('"Infinity"', '"-Infinity"')
"""Spark returns these values as strings in quotes. NaN stands for a value that is missing."""
_BARE_NON_FINITE = r"([:\[,]\s*)[+-]?(NaN|Infinity|INF)\b"
"""These values without quotes, which only `from_json` reads."""
_QUOTE_OR_NON_FINITE = re.compile(r'\\.|"|[+-]?(?:NaN|Infinity|INF)\b', re.DOTALL)
_OF_NON_FINITE = "\\+-NaInfityF"
"""What such a value, or a character with a backslash, may begin with."""
_ROUNDED, _WRITTEN_ROUNDED = r"^-?[0-9.]+E[0-9]+$", r"[0-9][eE]\+[0-9]"
_NOT_BLANK = r"\S"
_MARK = "\ufeff"
_LINE = "__line__"


def read_json(spark: SparkSession, paths: Sequence[str], settings: TextSettings, copies: Copies) -> Rows:
    """Read JSON files.

    Raises:
        UsageError: a file cannot be read, its encoding is not sure, or it has no object.
    """
    lines, counted, is_sample = [], 0, False

    def count_lines(text: Text, decoding: Decoding) -> tuple[int, int | None, str]:
        return _count_lines(text, decoding, settings.limit)

    for path in paths:
        text, (count, end, first) = inspect(spark, path, settings, count_lines)
        if _is_document(text, first):
            copy, count, is_cut = _as_lines(text, first, copies, settings.limit)
            lines.append(copy)
        else:
            is_cut = end is not None
            lines.append(text.for_spark(copies, end=end))
        counted += count
        is_sample |= is_cut
    name = ", ".join(path.rsplit("/", 1)[-1] for path in paths[:3])
    return Rows((_read_lines(spark, lines, name, settings.named),), counted, is_sample)


def _count_lines(text: Text, decoding: Decoding, limit: int | None) -> tuple[int, int | None, str]:
    """Count the lines that are not blank, at most `limit`.

    Returns:
        Their number; that of all lines up to there, if more follow; and the first of them, empty if there is none.
    """
    count, first = 0, ""
    with text.open() as lines:
        for place, line in enumerate(decoding.watch(lines)):
            if not (content := _content(line)):
                continue
            if count == limit:
                return count, place, first
            first = first or content
            count += 1
    return count, None, first


def _is_document(text: Text, first: str) -> bool:
    """Whether the file is an array, or its first object goes over several lines, of which `first` is the first."""
    if first.startswith("[") or first == "{":
        return True
    try:
        json.loads(first)
    except ValueError:
        return first.startswith("{") and _has_object(text, first)
    return False


def _has_object(text: Text, first: str) -> bool:
    try:
        return next(_objects(text, first), None) is not None
    except ijson.JSONError:
        return False


def _as_lines(text: Text, first: str, copies: Copies, limit: int | None) -> tuple[str, int, bool]:
    """Write the objects of a document one a line, at most `limit`.

    Returns:
        The path of the copy, the number of its objects, and whether the document has more.
    """
    count, is_cut = 0, False
    try:
        with copies.write(f"{text.name}.jsonl") as (path, out):
            for each in _objects(text, first):
                if count == limit:
                    is_cut = True
                    break
                out.write(json.dumps(each, ensure_ascii=False, default=str) + "\n")
                count += 1
    except ijson.JSONError as error:
        raise UsageError(f"{text.name} is neither JSON lines nor a JSON array: {error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{text.name} has a text with the second half of a character alone, such as \\ude00, in or behind object "
            f"{count + 1:,}: its beginning was cut off. Mend the text, or write one object a line."
        ) from error
    return path, count, is_cut


def _objects(text: Text, first: str) -> Iterator[Any]:
    """The elements of an array, or the values that follow each other; one at a time, so that memory is bounded."""
    prefix = "item" if first.startswith("[") else ""
    with text.open() as file:
        yield from ijson.items(_Recoded(file), prefix, multiple_values=True)


class _Recoded:
    """A text as a file of bytes in UTF-8, without a mark, and with numbers that are none as JSON lines give them.

    The parser would refuse NaN, which becomes null, and infinite numbers, which become texts.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._is_first = True
        self._held = ""
        self._in_string = False

    def read(self, size: int = -1) -> bytes:
        """About so many bytes; none only at the end."""
        written, is_end = "", not size
        while not written and not is_end:
            data = self._text.read(size)
            is_end = not data
            if self._is_first:
                data, self._is_first = data.removeprefix(_MARK), False
            written = self._write(self._held + data, is_end=is_end)
        return written.encode("utf-8")

    def _write(self, text: str, *, is_end: bool) -> str:
        """The text; what may go on in the next part is held back."""
        parts, end = [], 0
        for match in _QUOTE_OR_NON_FINITE.finditer(text):
            parts += [text[end : match.start()], self._written(match[0])]
            end = match.end()
        rest = text[end:]
        self._held = "" if is_end else rest[len(rest.rstrip(_OF_NON_FINITE)) :]
        return "".join((*parts, rest.removesuffix(self._held)))

    def _written(self, found: str) -> str:
        if found == '"':
            self._in_string = not self._in_string
        if self._in_string or found[0] in '"\\':
            return found
        return "null" if "NaN" in found else '"-Infinity"' if found[0] == "-" else '"Infinity"'


def _content(line: str) -> str:
    return line.removeprefix(_MARK).strip()


def _read_lines(spark: SparkSession, paths: Sequence[str], name: str, named: Collection[str]) -> DataFrame:
    """Read every value as text, because types may differ between lines. A line that is not an object is malformed.

    A named column with a list in any line, and a named field of an object, become a list of texts.
    """
    lines = spark.read.text(list(escaped(paths))).where(F.col("value").rlike(_NOT_BLANK))
    keys = _keys(lines)
    names = sorted(key for key in keys if key != MALFORMED)
    if not names and not lines.isEmpty():
        raise UsageError(f"{name}: no line is a JSON object; a JSON lines file has one object per line.")
    alike: dict[str, list[str]] = {}
    for each in names:
        alike.setdefault(each.lower(), []).append(each)
    schema = StructType(
        [StructField(name, StringType()) for name in (*(each[0] for each in alike.values()), MALFORMED)]
    )
    parsed = F.from_json("value", schema, {"columnNameOfCorruptRecord": MALFORMED})
    rows = lines.select(F.col("value").alias(_LINE), parsed.alias("r"))
    is_malformed = F.col("r").isNull() | _field(MALFORMED).isNotNull() | ~_is_one_value(F.col(_LINE))
    malformed = F.when(is_malformed, F.substring(_LINE, 1, MAX_MALFORMED_TEXT))
    values = {each[0]: _value(each) for each in alike.values()}
    listed = _lists(lines, keys, alike.values(), named)
    if listed:
        wanted = [path for found in listed.values() for path in found]
        rows = rows.withColumn("l", json_values_udf(wanted)(F.col(_LINE)))
        places = iter(range(len(wanted)))
        values |= {name: F.coalesce(*(F.col(f"l._{next(places)}") for _ in found)) for name, found in listed.items()}
    return rows.select(*(value.alias(each) for each, value in values.items()), malformed.alias(MALFORMED))


def _is_one_value(line: Column) -> Column:
    """Whether nothing follows the first value of a line, which `from_json` would ignore."""
    content = F.regexp_replace(line, _BARE_NON_FINITE, "$1null")
    # The added element tells a bracket in the line from the one that is added.
    count = F.json_array_length(F.concat(F.lit("["), content, F.lit(", 0]")))
    return F.coalesce(count == 2, F.lit(False))


def _keys(lines: DataFrame) -> dict[str, bool]:
    """The keys of all lines that are objects, and whether a line may have a list there, or a rounded number."""
    pairs = F.from_json("value", "map<string, string>")
    found = lines.select("value", F.explode(pairs).alias("key", "text")).groupBy("key")
    # Spark writes 8.41E+12, what a spreadsheet has made of an id, like the whole number 8410000000000.0.
    is_rounded = F.col("text").rlike(_ROUNDED) & F.col("value").rlike(_WRITTEN_ROUNDED)
    is_read = F.bool_or(F.coalesce(F.startswith("text", F.lit("[")) | is_rounded, F.lit(False)))
    return {row.key: row.is_read for row in found.agg(is_read.alias("is_read")).collect()}


def _lists(
    lines: DataFrame, keys: Mapping[str, bool], alike: Iterable[Sequence[str]], named: Collection[str]
) -> dict[str, list[tuple[str, ...]]]:
    """The named columns with lists or rounded numbers, the named fields that any line has, and where to find them.

    Args:
        lines: the lines, in the column value.
        keys: as `_keys` returns them.
        alike: groups of keys that differ only in case.
        named: names of columns, and dotted names of fields.
    """
    known = {key.lower() for key in keys}
    lower = {name.lower() for name in named}
    found: dict[str, list[tuple[str, ...]]] = {}
    for names in alike:
        if names[0].lower() in lower and any(keys[name] for name in names):
            found[names[0]] = [(name,) for name in names]
    paths = {name: path for name in named if name.lower() not in known and (path := _path(name, keys))}
    if not paths:
        return found
    values = json_values_udf(list(paths.values()))(F.col("value"))
    any_line = [F.count(f"v._{place}") for place in range(len(paths))]
    counts = lines.select(values.alias("v")).agg(*any_line).collect()[0]
    return found | {name: [path] for (name, path), count in zip(paths.items(), counts, strict=True) if count}


def _path(name: str, keys: Collection[str]) -> tuple[str, ...] | None:
    """The path of a field that a name leads to; the longest beginning that is a key, in any case, comes first."""
    known = {key.lower() for key in keys}
    return next(((key, *rest.split(".")) for key, rest in divisions(name) if key.lower() in known), None)


def _value(names: Sequence[str]) -> Column:
    """The value of the first of the names, which differ only in case, that the line has.

    Spark does not tell fields apart that differ only in case, so the others are read from the line.
    """
    others = [F.get_json_object(_LINE, f"$['{name}']") for name in names[1:]]
    value = F.coalesce(_field(names[0]), *others) if others else _field(names[0])
    return F.when(value.isin(*_INFINITE), F.btrim(value, F.lit('"'))).when(value != _NAN, value)


def _field(name: str) -> Column:
    return F.col("r").getField(name)
