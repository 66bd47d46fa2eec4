"""Removes the history of a table: the files and the log of all versions but the newest."""

from __future__ import annotations

from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from jobs.warehouse.commits import REMOVED_PROPERTY, retention_properties
from jobs.warehouse.folders import COMMIT_COPIES, LOG_FOLDER, open_path
from jobs.warehouse.tables import Warehouse
from jobs.warehouse.upkeep import set_properties, vacuum
from schemas.errors import FailedError
from schemas.tables import Table

_AT_ONCE = "interval 0 hours"
_DIGITS = 20
"""Files of Delta's log begin with the version in this many digits."""


def forget_history(warehouse: Warehouse, table: Table) -> None:
    """Leave of a table only its newest version: its data files, a checkpoint, and the commit that the checkpoint is of.

    The statistics, predicates and checksums of earlier commits hold values of rows, so their part of the log goes, too.
    Versions keep their numbers; earlier ones can no longer be read. Write the table anew first, so that its newest
    version shares no file with earlier ones.

    If it is killed, the table may go on forgetting at once which files are removed, so that VACUUM would remove files
    that publications need. `is_forgetting` tells this; then call it again.

    Raises:
        FailedError: the session may not list or delete the files of the log.
    """
    vacuum(warehouse, table, 0)
    spark = warehouse.spark
    # A checkpoint lists removed files, perhaps with statistics, unless they need not be remembered.
    [stored] = spark.sql(f"DESCRIBE DETAIL {warehouse.identifier(table)}").collect()
    set_properties(warehouse, table, {REMOVED_PROPERTY: _AT_ONCE})
    version = _write_checkpoint(warehouse, table)
    set_properties(warehouse, table, {REMOVED_PROPERTY: retention_properties()[REMOVED_PROPERTY]})
    try:
        _remove_log_before(spark, stored.location, version)
    except Py4JJavaError as error:
        raise FailedError(
            f"the log of {table.name} cannot be removed: the session may not list or delete the files of "
            f"{stored.location}. Give it access, and run the same command again."
        ) from error


def is_forgetting(warehouse: Warehouse, table: Table) -> bool:
    """Whether `forget_history` was killed while a table that exists forgets at once which files are removed."""
    return warehouse.log(table).properties().get(REMOVED_PROPERTY) == _AT_ONCE


def clear_log_cache(spark: SparkSession) -> None:
    """Drop what Delta keeps in memory of the logs of all tables.

    Delta keeps it for an hour after its last use, with the plans of its queries: some 30 MB for a warehouse.
    """
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def _write_checkpoint(warehouse: Warehouse, table: Table) -> int:
    """Write a checkpoint of the newest version, which is the beginning of the log from now on; returns the version."""
    clear_log_cache(warehouse.spark)
    version = warehouse.log(table).checkpoint()
    clear_log_cache(warehouse.spark)
    return version


def _remove_log_before(spark: SparkSession, location: str, version: int) -> None:
    log = f"{location.rstrip('/')}/{LOG_FOLDER}"
    # The copies of these commits are not needed: none is the newest, and the next commit completes the one before it.
    for path in (f"{log}/{COMMIT_COPIES}", log):
        _remove_files_before(spark, path, version)


def _remove_files_before(spark: SparkSession, path: str, version: int) -> None:
    folder, files = open_path(spark, path)
    paths = [status.getPath() for status in files.listStatus(folder)] if files.exists(folder) else []
    # The oldest first: if it is killed, Delta takes the rest for a log whose beginning has been cleaned up.
    for each in sorted(paths, key=lambda found: str(found.getName())):
        # A write that was killed leaves its temporary file, whose name begins with a dot.
        number = str(each.getName()).removeprefix(".")[:_DIGITS]
        if number.isdigit() and int(number) < version:
            files.delete(each, False)
