"""A Spark Standalone cluster on this machine whose Python has the dependencies and not the project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from jobs.warehouse.session import jars_folder
from tests.programs import guarded

_SPARK = Path(pyspark.__file__).parent
_START_SECONDS = 180
_SUBMIT_SECONDS = 900
# Options of a submission; the other options are the cluster's configuration, for a small machine.
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# Without the JVM's second compiler, as in conf/test.yaml: for so few listings it costs more than it saves.
_DEFAULTS = """\
spark.databricks.delta.snapshotPartitions 2
spark.driver.defaultJavaOptions -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC
spark.executor.defaultJavaOptions -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC
spark.driver.host 127.0.0.1
spark.ui.enabled false
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        master: its address.
        folder: for its files.
        environment: of whoever submits to it.
    """

    master: str
    folder: Path
    environment: dict[str, str]

    def submit(self, code: Path, main: Path, *arguments: str) -> None:
        """`spark-submit` a main with the project as a zip; raises if its exit code is not 0."""
        options = [f"--conf={key}={value}" for key, value in _DELTA.items()]
        words = [_SPARK / "bin" / "spark-submit", "--master", self.master, "--py-files", code, "--jars", jars()]
        log = self.folder / f"{main.stem}.log"
        # With a pipe, reading would last until all child processes end, and a timeout could not stop it.
        with log.open("wb") as out:
            done = subprocess.run(
                [str(word) for word in (*words, *options, main, *arguments)],
                env=self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=_SUBMIT_SECONDS,
                check=False,
            )
        assert done.returncode == 0, f"{main.stem} ended with {done.returncode}: {log.read_text()[-5000:]}"


def jars() -> str:
    """Delta's jars in the format of `--jars`."""
    return ",".join(str(jar) for jar in sorted(jars_folder().glob("*.jar")))


@contextmanager
def standalone_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a master and one-core workers; at the end they and their child processes are stopped."""
    configuration = folder / "conf"
    configuration.mkdir()
    (configuration / "spark-defaults.conf").write_text(_DEFAULTS)
    python = _python_without_the_project(folder / "python")
    with guarded() as mark:
        environment = _environment(python, configuration) | mark
        options = ["--host", "127.0.0.1", "--webui-port", "0"]
        log = folder / "master.log"
        _start(environment, folder, log, "master.Master", *options, "--port", "0")
        (port,) = _wait_for(log, r"Successfully started service 'sparkMaster' on port (\d+)", 1)
        master = f"spark://127.0.0.1:{port}"
        for number in range(workers):
            place = ["--work-dir", str(folder / f"worker-{number}"), "--cores", "1", "--memory", "3g"]
            _start(environment, folder, folder / f"worker-{number}.log", "worker.Worker", *options, *place, master)
        _wait_for(log, r"Registering worker", workers)
        yield Cluster(master, folder, environment)


def _start(environment: dict[str, str], folder: Path, log: Path, name: str, *arguments: str) -> None:
    with log.open("wb") as out:
        subprocess.Popen(
            [str(_SPARK / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments],
            env=environment,
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _environment(python: Path, configuration: Path) -> dict[str, str]:
    foreign = ("PYTHONPATH", "PYSPARK", "SPARK", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return kept | {
        "PYSPARK_PYTHON": str(python),
        "SPARK_CONF_DIR": str(configuration),
        # The workers set the executors' memory; the daemons themselves need little.
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def _python_without_the_project(folder: Path) -> Path:
    """A virtual environment with the packages of this one, except those of `pip install --editable`."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # Path files are not read recursively, so the path file of the editable install is ignored.
    (folder / "lib" / version / "site-packages" / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    probe = subprocess.run(
        [str(python), "-c", "import pyspark, horovod, schemas"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not re.search(r"No module named 'schemas'", probe.stderr):
        raise AssertionError(f"the workers' Python must have the dependencies and not the project: {probe.stderr}")
    return python


def _wait_for(log: Path, pattern: str, times: int) -> list[str]:
    """Wait until a pattern occurs `times` times in a log; returns the matches."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        found = re.findall(pattern, log.read_text(errors="replace"))
        if len(found) >= times:
            return found
        time.sleep(0.2)
    raise AssertionError(
        f"{pattern!r} was not {times} times in {log} within {_START_SECONDS} s:\n{log.read_text()[-3000:]}"
    )
