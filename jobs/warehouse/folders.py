"""Folders at any URI, through Hadoop's file systems."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def list_folder(spark: SparkSession, path: str) -> list[str]:
    """The names of what a folder contains; none if it does not exist."""
    folder, file_system = open_path(spark, path)
    return [each.getPath().getName() for each in file_system.listStatus(folder)] if file_system.exists(folder) else []


def delete_folder(spark: SparkSession, path: str) -> None:
    """Delete a folder, if it exists, with all that it contains."""
    folder, file_system = open_path(spark, path)
    file_system.delete(folder, True)


def open_path(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Hadoop's path and file system of a URI."""
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    opened = jvm.org.apache.hadoop.fs.Path(path)
    return opened, opened.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())  # noqa: SLF001
