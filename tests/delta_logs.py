"""What Delta keeps in memory of the logs that it has read."""

from __future__ import annotations

from pyspark.sql import SparkSession


def forget_logs(spark: SparkSession) -> None:
    """Drop what Delta has read of all tables.

    Delta keeps it for an hour after its last use, with the plans of its queries: some 30 MB for a warehouse, so that
    those of many tests fill the heap.
    """
    spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
