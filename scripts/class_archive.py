"""Makes the archive of Spark's loaded classes, with which a session starts and its first queries run seconds sooner.

Java calls it a dynamic archive for class data sharing (JEP 350).
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.console import run, step
from udfs.cache_folder import class_archive


def make(environment: Path) -> None:
    """Make the archive of an environment that contains this project.

    Raises:
        SetupError: it cannot be made.
    """
    with step("an archive of Spark's classes"):
        class_archive(environment).unlink(missing_ok=True)
        run([environment / "bin" / "python", "-m", "scripts.class_archive"])


def _write(archive: Path) -> None:
    """Do in a session what commands do, so that it loads most of the classes they need; then let Java write them."""
    # Only here, because set-up imports this module before there are packages.
    from delta.tables import DeltaTable  # noqa: PLC0415
    from pyspark import SparkContext  # noqa: PLC0415

    from conf.load import load_settings  # noqa: PLC0415
    from jobs.warehouse.session import open_session  # noqa: PLC0415

    unfinished = archive.with_suffix(".unfinished")
    settings = load_settings("test").spark
    java = f"-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit={unfinished} -Xlog:cds=off -Xlog:cds+dynamic=off"
    spark = open_session(replace(settings, extra={"spark.driver.defaultJavaOptions": java}), "archive of classes")
    with tempfile.TemporaryDirectory() as folder:
        csv, table = str(Path(folder, "csv")), str(Path(folder, "table"))
        spark.range(9).selectExpr("id % 7 AS id", "uuid() AS text", "now() AS time").write.csv(csv, header=True)
        rows = spark.read.csv(csv, header=True).selectExpr("bigint(id) AS id", "text", "timestamp(time) AS time")
        rows = rows.mapInPandas(lambda batches: batches, rows.schema).cache()
        latest = rows.selectExpr("*", "row_number() OVER (PARTITION BY id ORDER BY time) AS rank").where("rank = 1")
        latest.drop("rank").write.format("delta").save(table)
        stored = DeltaTable.forPath(spark, table)
        merge = stored.alias("old").merge(latest.where("id > 2").alias("new"), "old.id = new.id")
        merge.whenMatchedUpdate(set={"text": "new.text"}).whenNotMatchedInsertAll().execute()
        stored.delete("id = 5")
        stored.toDF().join(rows, "id", "left_anti").groupBy("text").count().collect()
        stored.toDF().orderBy("id").toPandas()
    spark.stop()
    gateway: Any = SparkContext._gateway  # noqa: SLF001 - Spark has no public way to wait for its JVM
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    unfinished.replace(archive)


if __name__ == "__main__":
    _write(class_archive(Path(sys.prefix)))
