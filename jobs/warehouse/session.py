"""Opens the Spark session: a new one for a local run, the submitted one under `spark-submit`."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaClass  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from conf.settings import SparkSettings
from schemas.errors import UsageError
from udfs.cache_folder import cache_folder, class_archive

# Required in every session; in a submitted one they are set if they can still be changed.
_RUNTIME = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionOverwriteMode": "static",
    # Limits the memory of Python workers when pictures are large.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 1024 * 1024),
    # pandas writes timestamps in nanoseconds, which Spark reads as integers or not at all.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # PySpark would note for each column expression where it was written, for messages that the log's traceback makes
    # clear anyway. That is half of its calls to the JVM.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Spark keeps the plan of every query of a night as text for its UI. The text of a cached frame repeats those of all
    # caches that it was computed from: 13 MB for 400 listings, which filled a driver of 1 GB.
    "spark.sql.maxPlanStringLength": "20000",
    # Spark makes the whole text before it keeps a part of it, also at each step of adaptive execution. This is the
    # shortest form.
    "spark.sql.ui.explainMode": "simple",
    # Spark allocates memory for joins in pages, and takes 16 MB each in a driver of 1 or 2 GB. Each small table that it
    # sends to all executors takes a page of its own there, and a night has dozens of them.
    "spark.buffer.pageSize": "1m",
    # Suppress TensorFlow's messages about the processor.
    "spark.executorEnv.TF_CPP_MIN_LOG_LEVEL": "2",
}
_STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# On one machine, the UI and the 50 partitions in which Delta reads its log by default would cost seconds. Without the
# UI, nobody reads what Spark keeps for it.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    "spark.sql.ui.retainedExecutions": "10",
    "spark.ui.showConsoleProgress": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.properties.defaults.checkpointInterval": "20",
    "spark.python.worker.reuse": "true",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
_CONFIGURATION = ("PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "YARN_CONF_DIR")
"""Environment variables of a session that is configured elsewhere."""
_DEFAULT_FILE_SYSTEM = "spark.hadoop.fs.defaultFS"
_LOGGING = Path(__file__).parents[2] / "conf" / "log4j2.properties"


def open_session(settings: SparkSettings, app_name: str, log_file: Path | None = None) -> SparkSession:
    """Open the session of this process: the submitted one, or a new one.

    Args:
        settings: how to start a session.
        app_name: name of the session.
        log_file: file for the log of a new session; None: standard error.

    Raises:
        UsageError: Delta's jars or its session extension are missing.
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
        java = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}{log}"
        jars = [str(jar) for jar in _delta_jars()]
        if settings.master.startswith("local"):
            # On the class path and not among spark.jars, because only classes of the class path can be archived.
            options["spark.driver.extraClassPath"] = os.pathsep.join(jars)
            java += _archive_options()
        else:
            options["spark.jars"] = ",".join(jars)
        options["spark.driver.extraJavaOptions"] = java
    options["spark.sql.shuffle.partitions"] = str(settings.shuffle_partitions)
    options |= settings.extra
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    if "DeltaSparkSessionExtension" not in (session.conf.get("spark.sql.extensions", "") or ""):
        raise UsageError(
            "the Spark session has no Delta extension: submit with "
            "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension, "
            "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog and Delta's --jars."
        )
    _silence_truncation(session)
    _remember_functions(session)
    return session


def local_file(location: str, settings: SparkSettings) -> Path | None:
    """The path of a file that is certainly on this machine; None: only Spark can tell.

    A path without a scheme is one of Spark's default file system, which a configuration may set.
    """
    configured = any(name in os.environ for name in _CONFIGURATION) or _DEFAULT_FILE_SYSTEM in settings.extra
    return None if configured or ":" in location or not location.strip() else Path(location)


def jars_folder() -> Path:
    """The folder with Delta's jars: CATALOG_CLEANER_JARS, or the one in which `make setup` stores them."""
    override = os.environ.get("CATALOG_CLEANER_JARS")
    if override:
        return Path(override)
    return cache_folder() / "jars" / f"delta-{metadata.version('delta-spark')}"


def _silence_truncation(session: SparkSession) -> None:
    """Keep Spark from warning, several times a query, that it keeps a plan in part only."""
    log4j = session.sparkContext._jvm.org.apache.logging.log4j  # type: ignore[union-attr]  # noqa: SLF001
    log4j.core.config.Configurator.setLevel("org.apache.spark.sql.catalyst.util.StringUtils", log4j.Level.ERROR)


class _RememberedClass(JavaClass):  # type: ignore[misc]
    """A Java class whose static methods are looked up once."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the class has
        member = super().__getattr__(name)
        setattr(self, name, member)
        return member


def _remember_functions(session: SparkSession) -> None:
    """Keep PySpark from asking the JVM twice, for each use of a function, where the function is."""
    jvm: Any = session.sparkContext._jvm  # noqa: SLF001
    for name in ("functions", "org.apache.spark.sql.functions", "PythonUtils"):
        found = getattr(jvm, name)
        if not isinstance(found, _RememberedClass):
            setattr(jvm, name, _RememberedClass(found._fqn, found._gateway_client))  # noqa: SLF001


def _archive_options() -> str:
    archive = class_archive(Path(sys.prefix))
    # Java would print to standard output that it does not use an archive of other jars, or of another Java.
    return f' "-XX:SharedArchiveFile={archive}" -Xlog:cds=off -Xlog:cds+dynamic=off' if archive.is_file() else ""


def _delta_jars() -> list[Path]:
    jars = sorted(jars_folder().glob("*.jar"))
    if not jars:
        raise UsageError(
            f"there are no jars in {jars_folder()}: run `make setup`, or set CATALOG_CLEANER_JARS to the folder with "
            "Delta's jars."
        )
    return jars
