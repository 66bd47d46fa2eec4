"""Measures a stored table, joins its small files, and removes the files that no version needs any longer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from jobs.warehouse.folders import is_folder, open_path
from jobs.warehouse.signing import session_settings
from jobs.warehouse.sql import literal, properties_list
from jobs.warehouse.tables import Warehouse
from schemas.tables import Table

_MIB = 1024 * 1024
_SMALL_BYTES = 32 * _MIB
_JOINED_BYTES = 128 * _MIB
_MANY_FILES = 20
_DATA_FILES = (".parquet", ".bin", ".crc")
"""Ends of the names of nearly all files in a table's folder: rows, marks of deleted rows, and check sums."""
_COMPACTION = {
    "spark.databricks.delta.optimize.minFileSize": str(_SMALL_BYTES),
    "spark.databricks.delta.optimize.maxFileSize": str(_JOINED_BYTES),
    # Otherwise large files of vectors and pictures would be rewritten as soon as 5 % of their rows are deleted.
    "spark.databricks.delta.optimize.maxDeletedRowsRatio": "0.5",
}


@dataclass(frozen=True)
class Usage:
    """What is stored in a folder: numbers of files and bytes."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Stored:
    """A stored table.

    Attributes:
        location: its folder.
        created_at: UTC; long ago if it is not known.
        current: the files of its newest version.
        partitions: number of folders in which these are.
        properties: its properties.
    """

    location: str
    created_at: dt.datetime
    current: Usage
    partitions: int
    properties: Mapping[str, str]

    @property
    def is_fragmented(self) -> bool:
        """Whether joining files pays (`is_fragmented`)."""
        return is_fragmented(self.current, self.partitions)


def is_fragmented(current: Usage, partitions: int) -> bool:
    """Whether a table has many small files: 20 more than one per partition, below 32 MiB on average.

    Opening a file costs some milliseconds, in an object store some ten; below 20 files nobody notices. From 32 MiB on,
    reading a file takes much longer than opening it. Files are joined within a partition only.
    """
    return current.files - partitions >= _MANY_FILES and current.bytes < current.files * _SMALL_BYTES


def describe(warehouse: Warehouse, table: Table) -> Stored:
    """Describe a table that exists.

    Raises:
        FailedError: a newer version of this program wrote the table.
    """
    rows = warehouse.read(table)
    [detail] = warehouse.spark.sql(f"DESCRIBE DETAIL {warehouse.identifier(table)}").collect()
    folders = {file.rpartition("/")[0] for file in rows.inputFiles()} if table.partition else {""}
    return Stored(
        location=detail.location,
        created_at=detail.createdAt.astimezone(dt.UTC) if detail.createdAt else dt.datetime.fromtimestamp(0, dt.UTC),
        current=Usage(detail.numFiles, detail.sizeInBytes),
        partitions=len(folders),
        properties=detail.properties,
    )


def disk_usage(spark: SparkSession, location: str) -> Usage | None:
    """What a table's folder holds, the files of earlier versions and Delta's log included.

    None if the session may not list the folder, as for some tables of catalogues.
    """
    path, file_system = open_path(spark, location)
    try:
        summary = file_system.getContentSummary(path)
    except Py4JJavaError:
        return None
    return Usage(summary.getFileCount(), summary.getLength())


def compact(warehouse: Warehouse, table: Table) -> None:
    """Join files below 32 MiB into files of up to 128 MiB.

    A file that has become large is not touched again, unless more than half of its rows are deleted and it is joined
    with another one.
    """
    with session_settings(warehouse.spark, _COMPACTION):
        warehouse.spark.sql(f"OPTIMIZE {warehouse.identifier(table)}").collect()


def vacuum(warehouse: Warehouse, table: Table, hours: int) -> Usage:
    """Remove the files that are older than some hours and that no version since then has; returns what was removed."""
    with _vacuuming(warehouse.spark):
        warehouse.spark.sql(_vacuum(warehouse, table, hours)).collect()
    history = warehouse.spark.sql(f"DESCRIBE HISTORY {warehouse.identifier(table)} LIMIT 2").collect()
    metrics: dict[str, str] = {}
    for row in history:
        metrics |= row.operationMetrics or {}
    return Usage(int(metrics.get("numDeletedFiles", 0)), int(metrics.get("sizeOfDataToDelete", 0)))


def removable_files(warehouse: Warehouse, table: Table, hours: int) -> int:
    """The number of files that `vacuum` would remove.

    Folders do not count. Delta names each folder in which it finds nothing old, such as that of the change files, also
    if it is not empty and so cannot be removed.
    """
    with _vacuuming(warehouse.spark):
        paths = [row.path for row in warehouse.spark.sql(f"{_vacuum(warehouse, table, hours)} DRY RUN").collect()]
    return sum(path.endswith(_DATA_FILES) or not is_folder(warehouse.spark, path) for path in paths)


def _vacuum(warehouse: Warehouse, table: Table, hours: int) -> str:
    return f"VACUUM {warehouse.identifier(table)} RETAIN {hours} HOURS"


@contextmanager
def _vacuuming(spark: SparkSession) -> Iterator[None]:
    """The settings for VACUUM."""
    settings = {
        # Delta refuses to remove files sooner than it forgets them. The caller knows which versions are needed.
        "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        # Not the default in every object store; `Warehouse.changes` reads the entries in the log.
        "spark.databricks.delta.vacuum.logging.enabled": "true",
        # By default, 10,000 tasks list the files.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(spark.conf.get("spark.sql.shuffle.partitions")),
    }
    with session_settings(spark, settings), _quiet(spark):
        yield


def set_properties(warehouse: Warehouse, table: Table, properties: Mapping[str, str]) -> None:
    """Set properties of a table. This takes no Spark task."""
    warehouse.spark.sql(f"ALTER TABLE {warehouse.identifier(table)} SET TBLPROPERTIES ({properties_list(properties)})")


def unset_properties(warehouse: Warehouse, table: Table, names: Iterable[str]) -> None:
    """Remove properties of a table."""
    clause = ", ".join(literal(name) for name in names)
    if clause:
        warehouse.spark.sql(f"ALTER TABLE {warehouse.identifier(table)} UNSET TBLPROPERTIES IF EXISTS ({clause})")


@contextmanager
def _quiet(spark: SparkSession) -> Iterator[None]:
    """Drop what Delta prints in this thread, because standard output is for the summary."""
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    console = getattr(getattr(jvm.scala, "Console$"), "MODULE$")
    before = console.out()
    console.setOutDirect(jvm.java.io.PrintStream(jvm.java.io.OutputStream.nullOutputStream()))
    try:
        yield
    finally:
        console.setOutDirect(before)
