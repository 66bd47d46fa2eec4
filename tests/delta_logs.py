"""Delta's memory of the logs that it has read."""

from __future__ import annotations

from pyspark.sql import SparkSession


def forget_logs(spark: SparkSession) -> None:
    """Drop what Delta has read of all tables. It keeps it for an hour after the last use, with the plans of its queries.

    A warehouse takes some 30 MB, so many of them fill the heap.
    """
    spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]  # noqa: SLF001
