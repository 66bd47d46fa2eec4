"""Finds and reads the files of a batch: Parquet, CSV or JSON lines, one file or a folder of files.

Rows have the files' own columns and `MALFORMED`: null, or the text of a row that could not be read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import PurePosixPath
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from conf.settings import IngestSettings
from jobs.console.root_cause import root_cause
from jobs.ingestion.steps.parse import judge_rows, match_columns
from schemas.errors import UsageError

MALFORMED = "__malformed__"
FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json"}

# Spark takes a path for a pattern: what would be one is escaped.
_PATTERN = re.compile(r"([\\*?\[\]{}])")
# JSON's numbers that are none come back from Spark in quotes.
_NO_NUMBERS = ('"NaN"', '"Infinity"', '"-Infinity"')
_KEPT_TEXT = 10_000


@dataclass(frozen=True)
class Files:
    """The files at a location, all of one format."""

    location: str
    format: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        """For people: how many of which format, and where."""
        count = len(self.paths)
        return f"{count:,} {self.format} file{'s' if count != 1 else ''} from {self.location}"


@dataclass(frozen=True)
class Delivery:
    """A batch of listings, opened.

    Attributes:
        files: where they come from.
        rows: the output of `jobs.ingestion.steps.parse.judge_rows`, not yet read.
        extra: columns of the files that are not used.
        uris: whether pictures come as paths or URIs.
    """

    files: Files
    rows: DataFrame
    extra: tuple[str, ...]
    uris: bool

    def readable(self) -> AbstractContextManager[None]:
        """`readable` for these files; needed while the rows are read."""
        return readable(self.files.location)


def open_delivery(spark: SparkSession, location: str, settings: IngestSettings) -> Delivery:
    """Find the files of a batch and check their columns.

    Raises:
        UsageError: files or columns cannot be used.
    """
    files = find_files(spark, location)
    rows = read_files(spark, files, settings.csv_delimiter)
    given = [name for name in rows.columns if name != MALFORMED]
    matched = match_columns(given, settings)
    extra = tuple(name for name in given if name not in matched.values())
    judged = judge_rows(rows, matched, MALFORMED, settings.max_listing_id_length)
    return Delivery(files, judged, extra, "image_uri" in matched)


def find_files(spark: SparkSession, location: str) -> Files:
    """The files at a location, on any file system that Spark knows. Names that begin with _ or . are skipped.

    Raises:
        UsageError: there are no files, the folder contains folders, or the extensions are unknown or mixed.
    """
    jvm, context = _java(spark)
    try:
        place = jvm.org.apache.hadoop.fs.Path(location)
        system = place.getFileSystem(context.hadoopConfiguration())
        if not system.exists(place):
            raise UsageError(f"{location}: no such file or folder.")
        listed = list(system.listStatus(place))
    except Py4JJavaError as error:
        raise UsageError(f"{location}: {root_cause(error)}") from error
    seen = sorted((str(s.getPath().toString()), bool(s.isDirectory())) for s in listed)
    seen = [(path, folder) for path, folder in seen if len(seen) == 1 or PurePosixPath(path).name[0] not in "._"]
    if folders := [path for path, folder in seen if folder]:
        raise UsageError(
            f"{location} contains folders ({_name(folders[0])}, ...): name the folder that contains the files."
        )
    paths = tuple(path for path, _ in seen)
    if not paths:
        raise UsageError(f"{location} contains no files.")
    return Files(location, _format(location, paths), paths)


def _format(location: str, paths: Sequence[str]) -> str:
    extensions = sorted({PurePosixPath(path).suffix.lower() for path in paths})
    known = ", ".join(FORMATS)
    if unknown := [e for e in extensions if e not in FORMATS]:
        example = next(_name(p) for p in paths if PurePosixPath(p).suffix.lower() == unknown[0])
        raise UsageError(f"{location}: {example} has an unknown extension; file names must end in {known}.")
    if len({FORMATS[e] for e in extensions}) > 1:
        raise UsageError(f"{location} mixes {' and '.join(extensions)} files: load one format at a time.")
    return FORMATS[extensions[0]]


def read_files(spark: SparkSession, files: Files, delimiter: str) -> DataFrame:
    """The rows of the files: their columns (as text for CSV and JSON) and `MALFORMED`.

    Args:
        spark: the session.
        files: of one format.
        delimiter: between the values of a CSV row.

    Raises:
        UsageError: a file cannot be read, the files' columns have conflicting types, or two columns share a name.
    """
    with readable(files.location):
        return {"parquet": _parquet, "json": _json, "csv": _csv}[files.format](spark, files, delimiter)


@contextmanager
def readable(location: str) -> Iterator[None]:
    """Turn Spark's errors about unreadable files into a sentence.

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
    """Every value as text, because types may differ between lines. A line that is not an object is malformed."""
    lines = spark.read.text(list(_escaped(files.paths))).where(F.trim("value") != "")
    keys = lines.select(F.explode(F.json_object_keys("value"))).distinct().collect()
    names = sorted(row[0] for row in keys if row[0] != MALFORMED)
    if not names and not lines.isEmpty():
        raise UsageError(f"{files.location}: no line is a JSON object; a JSON lines file has one object per line.")
    _refuse_twins(files.location, names)
    parsed = F.from_json("value", _text_schema(names), {"columnNameOfCorruptRecord": MALFORMED})
    rows = lines.select(F.col("value").alias("__line__"), parsed.alias("r"))
    values = [F.when(_of(n).isin(*_NO_NUMBERS), F.btrim(_of(n), F.lit('"'))).otherwise(_of(n)).alias(n) for n in names]
    broken = F.when(F.col("r").isNull() | _of(MALFORMED).isNotNull(), F.substring("__line__", 1, _KEPT_TEXT))
    return rows.select(*values, broken.alias(MALFORMED))


def _csv(spark: SparkSession, files: Files, delimiter: str) -> DataFrame:
    """Files with the same header are read together; those with another header or column order separately."""
    by_header: dict[tuple[str, ...], list[str]] = {}
    for path in files.paths:
        by_header.setdefault(_header(spark, path, delimiter), []).append(path)
    parts = [_csv_part(spark, header, paths, delimiter) for header, paths in by_header.items()]
    rows = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
    # Quoted values may contain line ends, so Spark reads a file in one task; later work is spread over the cores.
    cores = spark.sparkContext.defaultParallelism
    return rows.repartition(cores) if len(files.paths) < cores else rows


def _header(spark: SparkSession, path: str, delimiter: str) -> tuple[str, ...]:
    first = spark.read.text(_escaped([path])[0]).first()
    if first is None:
        raise UsageError(f"{_name(path)} is empty: a CSV file must begin with a header.")
    names = next(csv.reader([first.value], delimiter=delimiter), [])
    names = [name.strip() or f"_column_{i}" for i, name in enumerate(names, 1)]
    _refuse_twins(_name(path), names)
    return tuple(names)


def _refuse_twins(location: str, names: Sequence[str]) -> None:
    """Refuse names that Spark cannot tell apart: it ignores case. Parquet files it checks itself."""
    lower = [name.lower() for name in names]
    if twins := [name for name in names if lower.count(name.lower()) > 1]:
        raise UsageError(f"{location}: columns {', '.join(twins)}: names must differ by more than case.")


def _csv_part(spark: SparkSession, header: Sequence[str], paths: Sequence[str], delimiter: str) -> DataFrame:
    reader = spark.read.options(
        header="true",
        sep=delimiter,
        encoding="UTF-8",
        multiLine="true",
        quote='"',
        escape='"',  # a quote inside quotes is doubled
        nullValue="\0",  # nothing at all is null, two quotes are an empty text
        emptyValue="",
        columnNameOfCorruptRecord=MALFORMED,
        columnPruning="false",  # else a row of too many values goes unnoticed
    )
    rows = reader.schema(_text_schema(header)).csv(list(_escaped(paths)))
    return rows.withColumn(MALFORMED, F.substring(MALFORMED, 1, _KEPT_TEXT))


def _text_schema(names: Sequence[str]) -> StructType:
    return StructType([StructField(name, StringType()) for name in (*names, MALFORMED)])


def _of(name: str) -> Column:
    return F.col("r").getField(name)


def _java(spark: SparkSession) -> tuple[Any, Any]:
    """The JVM and its Spark context: PySpark offers no other way to Hadoop's file systems."""
    return spark.sparkContext._jvm, spark.sparkContext._jsc  # noqa: SLF001


def _escaped(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(_PATTERN.sub(r"\\\1", path) for path in paths)


def _name(path: str) -> str:
    return PurePosixPath(path).name
