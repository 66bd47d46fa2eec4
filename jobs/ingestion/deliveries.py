"""Reads the files of a batch: Parquet, CSV or JSON lines, one file or a folder of files.

Rows have the columns of the files and `MALFORMED`, the text of a row that could not be parsed, else null.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import PurePosixPath

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from conf.settings import IngestSettings
from jobs.console.root_cause import root_cause
from jobs.ingestion.files import Files, find_files
from jobs.ingestion.steps.parse import match_columns, validate_rows
from schemas.errors import UsageError

MALFORMED = "__malformed__"

# Spark treats paths as glob patterns, so special characters are escaped.
_PATTERN = re.compile(r"([\\*?\[\]{}])")
# Spark returns these JSON values as strings in quotes.
_NON_FINITE = ('"NaN"', '"Infinity"', '"-Infinity"')
_MAX_MALFORMED_TEXT = 10_000
"""Characters of a malformed row that are kept."""


@dataclass(frozen=True)
class Delivery:
    """A batch of listings.

    Attributes:
        files: the files of the batch.
        rows: the output of `jobs.ingestion.steps.parse.validate_rows`, not yet computed.
        ignored_columns: columns of the files that are not used.
        has_uris: whether pictures are given as paths or URIs.
    """

    files: Files
    rows: DataFrame
    ignored_columns: tuple[str, ...]
    has_uris: bool


def open_delivery(spark: SparkSession, location: str, settings: IngestSettings, now: dt.datetime) -> Delivery:
    """Find the files of a batch and check their columns.

    Args:
        spark: the session.
        location: a file or a folder.
        settings: how to read the files.
        now: the current time, UTC. Rows of the future cannot be used.

    Raises:
        UsageError: the files or their columns cannot be used.
    """
    files = find_files(spark, location)
    rows = read_files(spark, files, settings.csv_delimiter)
    given = [name for name in rows.columns if name != MALFORMED]
    matched = match_columns(given, settings)
    ignored = tuple(name for name in given if name not in matched.values())
    validated = validate_rows(rows, matched, MALFORMED, settings.max_listing_id_length, now)
    return Delivery(files, validated, ignored, has_uris="image_uri" in matched)


def read_files(spark: SparkSession, files: Files, delimiter: str) -> DataFrame:
    """Read the rows of files: their columns (as text for CSV and JSON) and `MALFORMED`.

    Args:
        spark: the session.
        files: the files.
        delimiter: separator of CSV values.

    Raises:
        UsageError: a file cannot be read, the types of a column conflict, or two columns have the same name.
    """
    with reported_read_errors(files.location):
        return {"parquet": _parquet, "json": _json, "csv": _csv}[files.format](spark, files, delimiter)


@contextmanager
def reported_read_errors(location: str) -> Iterator[None]:
    """Turn Spark's errors about unreadable files into usage errors.

    Raises:
        UsageError: a file is damaged or not in the format of its extension.
    """
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        if not re.search(r"FAILED_READ_FILE|CANNOT_MERGE_SCHEMAS|PARQUET_|COLUMN_ALREADY_EXISTS", str(error)):
            raise
        raise UsageError(f"{location} cannot be read: {root_cause(error)}") from error


def _parquet(spark: SparkSession, files: Files, _delimiter: str) -> DataFrame:
    rows = spark.read.option("mergeSchema", "true").parquet(*_escaped(files.paths))
    return rows.withColumn(MALFORMED, F.lit(None).cast("string"))


def _json(spark: SparkSession, files: Files, _delimiter: str) -> DataFrame:
    """Read every value as text, because types may differ between lines. A line that is not an object is malformed."""
    lines = spark.read.text(list(_escaped(files.paths))).where(F.trim("value") != "")
    keys = lines.select(F.explode(F.json_object_keys("value"))).distinct().collect()
    names = sorted(row[0] for row in keys if row[0] != MALFORMED)
    if not names and not lines.isEmpty():
        raise UsageError(f"{files.location}: no line is a JSON object; a JSON lines file has one object per line.")
    _refuse_duplicate_names(files.location, names)
    parsed = F.from_json("value", _text_schema(names), {"columnNameOfCorruptRecord": MALFORMED})
    rows = lines.select(F.col("value").alias("__line__"), parsed.alias("r"))
    values = [
        F.when(_field(n).isin(*_NON_FINITE), F.btrim(_field(n), F.lit('"'))).otherwise(_field(n)).alias(n)
        for n in names
    ]
    is_malformed = F.col("r").isNull() | _field(MALFORMED).isNotNull()
    malformed = F.when(is_malformed, F.substring("__line__", 1, _MAX_MALFORMED_TEXT))
    return rows.select(*values, malformed.alias(MALFORMED))


def _csv(spark: SparkSession, files: Files, delimiter: str) -> DataFrame:
    """Read files with the same header together, because Spark matches CSV columns by position."""
    by_header: dict[tuple[str, ...], list[str]] = {}
    for path in files.paths:
        by_header.setdefault(_header(spark, path, delimiter), []).append(path)
    parts = [_csv_part(spark, header, paths, delimiter) for header, paths in by_header.items()]
    rows = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
    # Quoted values may contain line breaks, so Spark reads a file in one task; spread the later work over the cores.
    cores = spark.sparkContext.defaultParallelism
    return rows.repartition(cores) if len(files.paths) < cores else rows


def _header(spark: SparkSession, path: str, delimiter: str) -> tuple[str, ...]:
    first = spark.read.text(_escaped([path])[0]).first()
    if first is None:
        raise UsageError(f"{_name(path)} is empty: a CSV file must start with a header.")
    names = next(csv.reader([first.value], delimiter=delimiter), [])
    names = [name.strip() or f"_column_{i}" for i, name in enumerate(names, 1)]
    _refuse_duplicate_names(_name(path), names)
    return tuple(names)


def _refuse_duplicate_names(location: str, names: Sequence[str]) -> None:
    """Refuse column names that differ only in case, which Spark ignores. Spark checks Parquet files itself."""
    lower = [name.lower() for name in names]
    if duplicates := [name for name in names if lower.count(name.lower()) > 1]:
        raise UsageError(
            f"{location} has the columns {', '.join(duplicates)}: names must differ in more than case. Rename them."
        )


def _csv_part(spark: SparkSession, header: Sequence[str], paths: Sequence[str], delimiter: str) -> DataFrame:
    reader = spark.read.options(
        header="true",
        sep=delimiter,
        encoding="UTF-8",
        multiLine="true",
        quote='"',
        escape='"',  # a quote inside quotes is doubled
        nullValue="\0",  # an empty value is null, two quotes are an empty text
        emptyValue="",
        columnNameOfCorruptRecord=MALFORMED,
        columnPruning="false",  # otherwise Spark accepts rows with too many values
    )
    rows = reader.schema(_text_schema(header)).csv(list(_escaped(paths)))
    return rows.withColumn(MALFORMED, F.substring(MALFORMED, 1, _MAX_MALFORMED_TEXT))


def _text_schema(names: Sequence[str]) -> StructType:
    return StructType([StructField(name, StringType()) for name in (*names, MALFORMED)])


def _field(name: str) -> Column:
    return F.col("r").getField(name)


def _escaped(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(_PATTERN.sub(r"\\\1", path) for path in paths)


def _name(path: str) -> str:
    return PurePosixPath(path).name
