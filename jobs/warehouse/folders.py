"""Folders at any URI, through Hadoop's file systems."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.warehouse.table_log import TableLog

DELETED = "deleted_"
"""Start of the names of folders that are being deleted."""

LOG_FOLDER = "_delta_log"
"""Folder of the log in the folder of a Delta table."""
COMMIT_COPIES = ".tmp"
"""Folder in the log with a copy of each commit, where Delta's log store with DynamoDB is used."""
_LOGGED = re.compile(r"\d{20}\.")
"""Beginning of the names of commits and checkpoints."""


def list_folder(spark: SparkSession, path: str) -> list[str]:
    """The names of what a folder contains; none if it does not exist."""
    folder, file_system = open_path(spark, path)
    return [each.getPath().getName() for each in file_system.listStatus(folder)] if file_system.exists(folder) else []


def is_folder(spark: SparkSession, path: str) -> bool:
    """Whether there is a folder at a path."""
    folder, file_system = open_path(spark, path)
    return bool(file_system.exists(folder) and file_system.getFileStatus(folder).isDirectory())


def is_committed(spark: SparkSession, path: str) -> bool:
    """Whether a folder is a Delta table with a commit.

    For `DeltaTable.isDeltaTable` a log without a commit is enough, as a run leaves it that is killed before its first
    commit. With DynamoDB, a commit counts that has only its entry there and its copy: Delta completes it when it reads
    the log.
    """
    names = list_folder(spark, f"{path}/{LOG_FOLDER}")
    if any(map(_LOGGED.match, names)):
        return True
    if COMMIT_COPIES not in names:
        return False
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)  # noqa: SLF001
    return TableLog(spark, log).version() >= 0


def delete_folder(spark: SparkSession, path: str) -> None:
    """Delete a folder, if it exists, with all that it contains.

    It is renamed to `deleted_*` first. A process that is killed here would otherwise leave a part of a table under its
    name, and Delta would fail to read or overwrite it.

    Raises:
        OSError: the folder cannot be renamed.
    """
    folder, file_system = open_path(spark, path)
    if not file_system.exists(folder):
        return
    renamed, _ = open_path(spark, f"{folder.getParent()}/{DELETED}{uuid4().hex}")
    if not file_system.rename(folder, renamed):
        raise OSError(f"{path} cannot be deleted, because it cannot be renamed to {renamed.getName()}")
    file_system.delete(renamed, True)


def copy_to_local(spark: SparkSession, path: str, target: str) -> None:
    """Copy a file or folder, if it exists, into a folder of this machine."""
    source, file_system = open_path(spark, path)
    if file_system.exists(source):
        local, _ = open_path(spark, f"file://{target}")
        file_system.copyToLocalFile(False, source, local, True)


def upload(spark: SparkSession, file: Path, target: str) -> None:
    """Move a file of this machine to a URI."""
    path, file_system = open_path(spark, target)
    local, _ = open_path(spark, f"file://{file}")
    file_system.copyFromLocalFile(True, True, local, path)


def open_path(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Hadoop's path and file system of a URI."""
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    opened = jvm.org.apache.hadoop.fs.Path(path)
    return opened, opened.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())  # noqa: SLF001
