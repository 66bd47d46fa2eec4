"""Opens a batch: Parquet, CSV or JSON files, one file or a folder of files."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from conf.ingest_settings import FileSettings, IngestSettings
from jobs.console.root_cause import root_cause
from jobs.ingestion.copies import Copies
from jobs.ingestion.csv_files import read_csv
from jobs.ingestion.files import TABLE_FORMATS, Files, find_files, last_changed
from jobs.ingestion.json_files import read_json
from jobs.ingestion.parquet_files import read_parquet
from jobs.ingestion.rows import MALFORMED, Rows
from jobs.ingestion.steps.parse import validate_rows
from jobs.ingestion.steps.pictures import has_paths
from jobs.ingestion.steps.sources import (
    Found,
    find_attributes,
    find_columns,
    require_columns,
    source_columns,
    source_names,
)
from jobs.ingestion.steps.time_format import fault_of_format, read_time
from jobs.ingestion.text_files import TextSettings
from jobs.ingestion.warnings import FileColumns, address_warnings, uneven_files
from schemas.errors import FailedError, UsageError

_MAX_ADDRESS = 2_000
"""Characters of a value that may be an address."""
_SHOWN = 60
_CONTENT = ("title", "description", "image", "image_uri")


@dataclass(frozen=True)
class Delivery:
    """A batch of listings.

    Attributes:
        files: the files of the batch.
        rows: the output of `jobs.ingestion.steps.parse.validate_rows`, not yet computed.
        counted: number of rows of the files, counted independently of Spark; None: not counted.
        ignored_columns: columns of the files that are not used.
        has_uris: whether pictures are given as paths or URIs.
        has_content: whether any column holds texts or pictures.
        remarks: what a person should look at in the files.
        doubtful: as in `Rows`.
        sources: column of listings -> the columns of the files where its values are, in the order in which they count.
    """

    files: Files
    rows: DataFrame
    counted: int | None
    ignored_columns: tuple[str, ...]
    has_uris: bool
    has_content: bool = True
    remarks: tuple[str, ...] = ()
    doubtful: int = 0
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns_mapped(self) -> str | None:
        """The columns that have other names in the files, for a summary; None if none has."""
        mapped = {column: names for column, names in self.sources.items() if names != (column,)}
        return ", ".join(f"{column} = {' else '.join(names)}" for column, names in mapped.items()) or None

    def refuse_without_content(self) -> None:
        """Refuse a file of labels or prices alone: there is nothing to judge, and stored texts would be lost.

        Raises:
            UsageError: no column holds texts or pictures.
        """
        if not self.has_content:
            raise UsageError(
                f"{self.files.location} has neither texts nor pictures, so no category can be judged by it. Join it by "
                "its ids with the file that has them, and deliver both as one, or map a column with --set "
                "'ingest.columns={title: NAME_IN_FILE}'."
            )


def open_delivery(
    spark: SparkSession,
    location: str,
    settings: IngestSettings,
    now: dt.datetime,
    copies: Copies,
    version: int | None = None,
) -> Delivery:
    """Find the files of a batch and check their columns.

    Args:
        spark: the session.
        location: a file, a folder or a table.
        settings: how to read the files.
        now: the current time, UTC. Rows of the future cannot be used.
        copies: a place for copies of files that Spark cannot read.
        version: of a Delta table; None: the newest.

    Raises:
        UsageError: the files or their columns cannot be used.
    """
    files, rows = read_listings(spark, location, settings, copies, version)
    require_columns(rows.schemas, settings)
    return cast_delivery(spark, files, rows, settings, now)


def read_listings(
    spark: SparkSession,
    location: str,
    settings: IngestSettings,
    copies: Copies,
    version: int | None = None,
    limit: int | None = None,
) -> tuple[Files, Rows]:
    """Find the files of a batch and read their rows as they are; the arguments are those of `open_delivery`.

    Args:
        limit: number of rows to read of each file, so that large ones take seconds; None: all.

    Raises:
        UsageError: the files cannot be used.
    """
    _check_time_format(spark, settings.time_format)
    files = find_files(spark, location)
    form = text_settings("ingest.files", settings.files, source_names(settings, "listing_id"), source_names(settings))
    return files, read_files(spark, files, replace(form, limit=limit), copies, version)


def cast_delivery(
    spark: SparkSession, files: Files, rows: Rows, settings: IngestSettings, now: dt.datetime
) -> Delivery:
    """Cast the rows of a batch that has the required columns; the arguments are those of `open_delivery`.

    Raises:
        UsageError: a column has a type that cannot be used, or the time of the rows is not known.
    """
    found = [find_columns(schema, settings) for schema in rows.schemas]
    attributes = [find_attributes(schema, settings) for schema in rows.schemas]
    delivered_at = _delivered_at(spark, files, settings.updated_at)
    validated = rows.read(lambda frame: validate_rows(frame, settings, MALFORMED, now, delivered_at))
    ignored = _ignored(rows.names, [*found, *attributes])
    has_content = any(name in sources for sources in found for name in _CONTENT)
    has_uris = any(_has_uris(sources) for sources in found)
    remarks = (*rows.remarks, *uneven_files(_columns_of_files(rows, found, attributes)), *_check_pictures(rows, found))
    return Delivery(
        files, validated, rows.counted, ignored, has_uris, has_content, remarks, rows.doubtful, source_columns(found)
    )


def _columns_of_files(rows: Rows, found: Sequence[Found], attributes: Sequence[Found]) -> list[FileColumns]:
    return [
        FileColumns(names, columns, _ignored(schema.names, [columns, kept]))
        for names, schema, columns, kept in zip(rows.files, rows.schemas, found, attributes, strict=False)
    ]


def _check_pictures(rows: Rows, found: Sequence[Found]) -> Iterator[str]:
    """Warnings about addresses in columns of pictures.

    Raises:
        UsageError: a column of pictures holds JSON objects.
    """
    for frame, sources in zip(rows.frames, found, strict=True):
        for source in sources.get("image", ()):
            if isinstance(source.type, StringType):
                values = frame.select(F.substring(source.value(first=True), 1, _MAX_ADDRESS).alias("value"))
                first = values.where("value IS NOT NULL").first()
                if first is not None and first.value.startswith("{"):
                    raise UsageError(
                        f"column {source.name!r} holds objects with fields ({first.value[:_SHOWN]}...); pictures must "
                        f"be bytes or base64 text. Name the field with --set 'ingest.columns={{image: {source.name}"
                        ".bytes}', or leave the column out with {image: null}."
                    )
                yield from address_warnings(source.name, None if first is None else first.value)


def _ignored(names: Sequence[str], used: Sequence[Found]) -> tuple[str, ...]:
    """The columns of which nothing is used. Used fields of JSON objects are columns of their own, as `price.amount`."""
    columns = [f"{source.column.lower()}." for found in used for sources in found.values() for source in sources]
    return tuple(name for name in names if not any(each.startswith(f"{name.lower()}.") for each in columns))


def _has_uris(found: Found) -> bool:
    return "image_uri" in found or any(has_paths(source.type) for source in found.get("image", ()))


def _check_time_format(spark: SparkSession, written: str | None) -> None:
    """Check the format of times before any row is read.

    Raises:
        UsageError: the format is no pattern, or one that would give wrong times.
    """
    if written is None:
        return
    fault = fault_of_format(written)
    if fault is None:
        try:
            spark.range(1).select(read_time(F.lit("2026"), written)).collect()
        except (Py4JJavaError, PySparkException) as error:
            fault = root_cause(error)
    if fault is not None:
        raise UsageError(
            f"ingest.time_format = {written!r}: {fault}. Write a pattern of Spark such as 'dd.MM.yyyy HH:mm', or "
            "`seconds` or `milliseconds`."
        )


def _delivered_at(spark: SparkSession, files: Files, setting: str | None) -> dt.datetime | None:
    """The time of rows without one, UTC.

    Raises:
        UsageError: the setting is no time, or a table has no files whose time counts.
    """
    if setting is None:
        return None
    if setting == "file":
        if files.format in TABLE_FORMATS:
            raise UsageError(f"{files} has no file time: set ingest.updated_at to a time, or map a column.")
        return last_changed(spark, files.paths)
    try:
        time = dt.datetime.fromisoformat(setting)
    except ValueError as error:
        raise UsageError(
            f"ingest.updated_at = {setting!r}: it must be `file` or a time such as 2026-11-28T06:00:00Z."
        ) from error
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)


def text_settings(
    name: str, settings: FileSettings, wanted: Collection[str], named: Collection[str] = ()
) -> TextSettings:
    """How text files are written.

    Args:
        name: where the settings are, for messages.
        settings: the settings.
        wanted: names of columns of which a file must have one.
        named: names of columns, or of fields of JSON objects (`price.amount`), whose values are used.
    """
    lower = {each.lower() for each in wanted}
    return TextSettings(
        settings.encoding, settings.delimiter, settings.quotes, settings.max_lines, lower, name, tuple(named)
    )


def read_files(
    spark: SparkSession, files: Files, settings: TextSettings, copies: Copies, version: int | None = None
) -> Rows:
    """Read the rows of files.

    Args:
        spark: the session.
        files: the files.
        settings: how text files are written, and how many rows to read.
        copies: a place for copies of files that Spark cannot read.
        version: of a Delta table; None: the newest.

    Raises:
        UsageError: a file or table cannot be read, or has no versions.
    """
    with reported_read_errors(files.location):
        if files.format in TABLE_FORMATS:
            return _limited(_table(spark, files, version), settings.limit)
        if version is not None:
            raise UsageError(f"{files.location} is no Delta table, so it has no version {version}: leave it out.")
        if files.format == "parquet":
            return _limited(read_parquet(spark, files.paths, settings), settings.limit)
        read = {"json": read_json, "csv": read_csv}[files.format]
        return read(spark, files.paths, settings, copies)


def _limited(rows: Rows, limit: int | None) -> Rows:
    """The first rows; files of the same columns count as one."""
    if limit is None:
        return rows
    if rows.counted is not None and rows.counted <= limit:
        return rows
    # Whether a table has more rows is not known without reading it.
    frames = tuple(frame.limit(limit) for frame in rows.frames)
    return replace(rows, frames=frames, counted=None, is_sample=True)


def _table(spark: SparkSession, files: Files, version: int | None) -> Rows:
    """Read a table as it is, or at a version; Parquet files of a Delta table would also hold what was deleted."""
    reader = spark.read if version is None else spark.read.option("versionAsOf", version)
    rows = reader.table(files.location) if files.format == "table" else reader.format("delta").load(files.location)
    return Rows((rows.withColumn(MALFORMED, F.lit(None).cast("string")),), None)


def check_count(files: Files, counted: int | None, read: int) -> None:
    """Compare the number of rows that Spark has read with that which the files hold.

    Raises:
        FailedError: they differ, so that rows would be lost.
    """
    if counted is not None and counted != read:
        raise FailedError(
            f"{files.location} holds {counted:,} rows, but {read:,} were read, so nothing was written. Two readers "
            "disagree about where a row ends: look for quotes that are not closed, for text behind closing quotes, and "
            "for carriage returns without line feeds among other line ends."
        )


@contextmanager
def reported_read_errors(location: str) -> Iterator[None]:
    """Turn Spark's errors about unreadable files into usage errors.

    Raises:
        UsageError: a file is damaged or not in the format of its extension.
    """
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        if not re.search(
            r"FAILED_READ_FILE|PARQUET_|COLUMN_ALREADY_EXISTS|DELTA_|Cannot time travel",
            str(error),
        ):
            raise
        raise UsageError(f"{location} cannot be read: {root_cause(error)}") from error
