"""Reads the ids to erase from files, and refuses whatever does not certainly say which ids these are.

What is skipped here would not be erased, and nobody would notice. Spark's readers skip a lot: a line that cannot be
parsed has no values, and after a quote that is not closed all lines become one value. So each line is read here.
"""

from __future__ import annotations

import csv
import json
import tempfile
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

from jobs.console.job import Job
from jobs.console.root_cause import root_cause
from jobs.ingestion.files import TABLE_FORMATS, find_files, find_local_files
from jobs.ingestion.opening import compression
from jobs.warehouse.folders import copy_to_local
from schemas.errors import UsageError

COLUMNS = ("listing_id", "seller_id")
_EITHER = " or ".join(COLUMNS)
_KINDS: Mapping[type, str] = {dict: "an object", list: "a list", bool: "a truth value", float: "a decimal number"}
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of line ends, other control characters and unpaired surrogates."""

Rows = Iterator[tuple[int, Mapping[str, object]]]
"""Line or row number, from 1, and values by column."""


class _WrongLineError(Exception):
    """A line of a file is wrong: its number, and what is wrong."""

    def __init__(self, number: int, fault: str) -> None:
        super().__init__(fault)
        self.number = number


def read_ids(job: Job, location: str) -> dict[str, set[str]]:
    """The ids in a file, or in the files of a folder: Parquet, CSV or JSON lines. Of a local file, Spark is not needed.

    Args:
        job: the command's job.
        location: the file or folder.

    Returns:
        Each of `COLUMNS` -> its ids.

    Raises:
        UsageError: there are no such files, or the ids of a line are not certain.
    """
    delimiter = job.settings.ingest.files.delimiter or ","
    if (local := find_local_files(job, location)) is not None:
        return ids_of([(path, Path(path)) for path in local.paths], local.format, delimiter)
    files = find_files(job.spark, location)
    with tempfile.TemporaryDirectory() as copies:
        try:
            for path in files.paths:
                copy_to_local(job.spark, path, copies)
        except Py4JJavaError as error:
            raise UsageError(f"{location} cannot be read: {root_cause(error)}") from error
        copied = [(path, Path(copies) / PurePosixPath(path).name) for path in files.paths]
        return ids_of(copied, files.format, delimiter)


def ids_of(files: Sequence[tuple[str, Path]], file_format: str, delimiter: str) -> dict[str, set[str]]:
    """The ids in files on this machine.

    Args:
        files: name for messages, and path, of each file.
        file_format: `parquet`, `csv` or `json`.
        delimiter: separator of CSV values.

    Returns:
        Each of `COLUMNS` -> its ids.

    Raises:
        UsageError: a file cannot be read, or the ids of a line are not certain.
    """
    if file_format in TABLE_FORMATS:
        raise UsageError(f"{files[0][0]} is a table: write its ids to a file; nothing was erased.")
    ids: dict[str, set[str]] = {column: set() for column in COLUMNS}
    for name, file in files:
        if compression(name) is not None:
            raise UsageError(f"{name} is compressed: unpack it first; nothing was erased.")
        try:
            for number, row in _rows(file, file_format, delimiter):
                for column, value in _ids(number, row).items():
                    ids[column].add(value)
        except _WrongLineError as error:
            place = f"{'row' if file_format == 'parquet' else 'line'} {error.number:,}"
            raise UsageError(
                f"{name}, {place}: {error}. Nothing was erased, because an id could be missed: every line must name a "
                f"{_EITHER}. Correct it, and run the same command again."
            ) from error
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{name} is not in UTF-8 ({error.reason}): save it in UTF-8; nothing was erased."
            ) from error
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{name} cannot be read: {error}. Nothing was erased.") from error
    return ids


def _rows(file: Path, file_format: str, delimiter: str) -> Rows:
    if file_format == "parquet":
        return _parquet_rows(file)
    return _csv_rows(file, delimiter) if file_format == "csv" else _json_rows(file)


def _parquet_rows(file: Path) -> Rows:
    stored = pq.ParquetFile(file)
    columns = _known_columns(stored.schema_arrow.names)
    number = 0
    for batch in stored.iter_batches(columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _csv_rows(file: Path, delimiter: str) -> Rows:
    """The rows with the number of their first line; lines without any value are left out."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header: list[str] = []
        while True:
            number = reader.line_num + 1
            try:
                values = next(reader, None)
            except csv.Error as error:
                raise _WrongLineError(number, f"this is not CSV, perhaps a quote is not closed ({error})") from error
            if values is None:
                break
            if not header:
                header = [name.strip() for name in values]
                columns = _known_columns(header)
            elif any(map(str.strip, values)):
                if len(values) != len(header):
                    raise _WrongLineError(number, f"it has {len(values):,} values, the first line {len(header):,}")
                row = dict(zip(header, values, strict=True))
                if any(row[column].strip().startswith('"') or row[column].strip().endswith('"') for column in columns):
                    raise _WrongLineError(number, "there is a quote at the beginning or end of the id")
                yield number, row
        if not header:
            raise _WrongLineError(1, "the file is empty; a CSV file begins with the names of its columns")


def _json_rows(file: Path) -> Rows:
    """The objects, with numbers as their text, which is what `ingest` reads."""
    with file.open(encoding="utf-8-sig") as text:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.rstrip(), parse_int=str, parse_float=str, object_pairs_hook=_each_key_once)
            except json.JSONDecodeError as error:
                raise _WrongLineError(number, f"this is not JSON ({error.msg} at character {error.colno:,})") from error
            except (ValueError, RecursionError) as error:
                raise _WrongLineError(number, f"this JSON is ambiguous ({error})") from error
            if not isinstance(row, dict):
                raise _WrongLineError(number, "this is not a JSON object")
            yield number, row


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands in it twice")
    return row


def _known_columns(names: Collection[str]) -> list[str]:
    """The columns of ids in a header.

    Raises:
        _WrongLineError: there are none, or one of them twice.
    """
    found = [name for name in names if name in COLUMNS]
    if not found:
        raise _WrongLineError(1, f"there is neither a column listing_id nor seller_id, but {', '.join(names)}")
    if len(set(found)) < len(found):
        raise _WrongLineError(1, f"the column {found[0]} stands there twice")
    return found


def _ids(number: int, row: Mapping[str, object]) -> dict[str, str]:
    """The ids in a row: column -> id.

    Raises:
        _WrongLineError: there is none, or a value is no id.
    """
    found = {column: _id(number, column, row.get(column)) for column in COLUMNS}
    ids = {column: value for column, value in found.items() if value is not None}
    if not ids:
        raise _WrongLineError(number, f"there is no {_EITHER}")
    return ids


def _id(number: int, column: str, value: object) -> str | None:
    """A value as `ingest` reads an id; None if there is none.

    Raises:
        _WrongLineError: it is no id.
    """
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return None if value is None else str(value)
    if not isinstance(value, str):
        kind = _KINDS.get(type(value), f"a {type(value).__name__}")
        raise _WrongLineError(number, f"{column} is {kind}; an id is a text or a whole number")
    value = value.strip()
    if any(unicodedata.category(character) in _FORBIDDEN for character in value):
        raise _WrongLineError(
            number, f"{column} contains a line end or another control character; is a quote not closed?"
        )
    return value or None
