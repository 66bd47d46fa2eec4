"""A Spark Standalone cluster on this machine whose Python has the dependencies and not the project."""

from __future__ import annotations

import os
import re
import socket
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

from jobs.session import jars_folder

_SPARK = Path(pyspark.__file__).parent
_START_SECONDS = 90
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its master's address, the Python of its driver and workers, and a folder for its files."""

    master: str
    python: Path
    folder: Path

    def submit(self, code: Path, main: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`spark-submit` a main, with the project as a zip."""
        jars = ",".join(str(jar) for jar in sorted(jars_folder().glob("*.jar")))
        options = [f"--conf={key}={value}" for key, value in _DELTA.items()]
        words = [_SPARK / "bin" / "spark-submit", "--master", self.master, "--py-files", code, "--jars", jars, *options]
        return subprocess.run(
            [str(word) for word in (*words, main, *arguments)],
            env=_environment(self.python),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@contextmanager
def standalone_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a master and one-core workers; stop them and all that they started."""
    python = _python_without_the_project(folder / "python")
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    started: list[subprocess.Popen[bytes]] = []
    try:
        options = ["--host", "127.0.0.1", "--webui-port", "0"]
        log = folder / "master.log"
        started.append(_start(folder, log, python, "master.Master", *options, "--port", str(port)))
        _wait_for(log, r"Successfully started service 'sparkMaster'|I have been elected leader", 1)
        for number in range(workers):
            work = folder / f"worker-{number}"
            place = ["--work-dir", str(work), "--cores", "1", "--memory", "3g"]
            started.append(_start(folder, folder / f"{number}.log", python, "worker.Worker", *options, *place, master))
        _wait_for(log, r"Registering worker", workers)
        yield Cluster(master, python, folder)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def _start(folder: Path, log: Path, python: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(_SPARK / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments],
            env=_environment(python),
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _environment(python: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "PYSPARK", "SPARK"))}
    # The JVM of each daemon may be small; the executors' memory is set by the workers.
    return kept | {
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
        "SPARK_HOME": str(_SPARK),
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def _python_without_the_project(folder: Path) -> Path:
    """A virtual environment that sees this one's packages, but not what `pip install --editable` points to."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # A path file is not read recursively, so the editable install's own path file stays unread.
    (folder / "lib" / version / "site-packages" / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    probe = subprocess.run(
        [str(python), "-c", "import pyspark, tensorflow, schemas"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if not re.search(r"No module named 'schemas'", probe.stderr):
        raise AssertionError(f"the workers' Python must have the dependencies and not the project: {probe.stderr}")
    return python


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(log: Path, pattern: str, times: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if len(re.findall(pattern, log.read_text(errors="replace"))) >= times:
            return
        time.sleep(0.2)
    raise AssertionError(
        f"{pattern!r} was not {times} times in {log} within {_START_SECONDS} s:\n{log.read_text()[-3000:]}"
    )
