"""The Spark session: made here for a local run, taken as it is under `spark-submit`."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

from pyspark.sql import SparkSession

from conf.settings import SparkSettings
from schemas.errors import UsageError

# What every session must have; a submitted one gets those that may still be set.
_RUNTIME = {
    "spark.sql.session.timeZone": "UTC",
    # Small shuffle partitions look tiny to AQE when they carry few pictures; classify repartitions by itself.
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionOverwriteMode": "static",
    # Bounds what a Python worker holds at once, however large the pictures are.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 1024 * 1024),
    # pandas writes timestamps in nanoseconds, which Spark reads as integers or not at all.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # TensorFlow's notices about the processor.
    "spark.executorEnv.TF_CPP_MIN_LOG_LEVEL": "2",
}
_STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# Delta replays its log in 50 partitions by default, and the UI costs seconds: too much for one machine.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.properties.defaults.checkpointInterval": "20",
    "spark.python.worker.reuse": "true",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
_LOGGING = Path(__file__).parents[2] / "conf" / "log4j2.properties"


def open_session(settings: SparkSettings, app_name: str, log_file: Path | None = None) -> SparkSession:
    """The session of this process: the submitted one, or a new one as the settings say.

    Args:
        settings: how to start a session.
        app_name: its name.
        log_file: where a new session writes Spark's log; None: standard error.

    Raises:
        UsageError: Delta's jars are not there.
    """
    python = settings.executor_python or sys.executable
    os.environ.setdefault("PYSPARK_PYTHON", python)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    builder = SparkSession.builder.appName(app_name)
    options = dict(_RUNTIME)
    if not submitted:
        builder = builder.master(settings.master)
        options |= _STATIC | _LOCAL | {"spark.driver.memory": settings.driver_memory}
        log = f" -Dcatalog_cleaner.log={log_file}" if log_file else ""
        options["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}{log}"
        options["spark.jars"] = ",".join(str(jar) for jar in _delta_jars())
    options["spark.sql.shuffle.partitions"] = str(settings.shuffle_partitions)
    options |= settings.extra
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    if "DeltaSparkSessionExtension" not in (session.conf.get("spark.sql.extensions", "") or ""):
        raise UsageError(
            "the Spark session has no Delta: submit with "
            "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension, "
            "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog and Delta's --jars."
        )
    return session


def jars_folder() -> Path:
    """Where `make setup` keeps Delta's jars; CATALOG_CLEANER_JARS names another folder."""
    override = os.environ.get("CATALOG_CLEANER_JARS")
    if override:
        return Path(override)
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return cache / "catalog-cleaner" / "jars" / f"delta-{metadata.version('delta-spark')}"


def _delta_jars() -> list[Path]:
    jars = sorted(jars_folder().glob("*.jar"))
    if not jars:
        raise UsageError(f"no jars in {jars_folder()}: run `make setup`, or name their folder in CATALOG_CLEANER_JARS.")
    return jars
