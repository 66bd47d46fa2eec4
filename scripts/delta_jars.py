"""Downloads Delta's jars once with Spark's resolver, and keeps them if their SHA-256 is the recorded one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from scripts.console import ROOT, SetupError, run, step

LOCK = ROOT / "requirements" / "jars.txt"


def folder(cache: Path, delta: str) -> Path:
    """The folder for the jars of a version of Delta."""
    return cache / f"delta-{delta}"


def missing(kept: Path) -> bool:
    """Whether a recorded jar is missing or damaged, or the folder contains other jars."""
    return {jar.name: _sha256(jar) for jar in kept.glob("*.jar")} != _recorded()


def fetch(environment: Path, cache: Path, delta: str) -> None:
    """Download the jars of this version of Delta.

    Args:
        environment: a virtual environment with pyspark.
        cache: the folder of the jar folders.
        delta: version of Delta, equal to that of delta-spark in the lock.

    Raises:
        SetupError: the jars cannot be downloaded, or their checksums differ from the recorded ones.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for leftover in cache.glob("fetching-*"):  # left by a killed set-up
        shutil.rmtree(leftover, ignore_errors=True)
    with (
        step(f"Delta's jars, version {delta}"),
        tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as temporary,
    ):
        fetched = Path(temporary)
        empty_script = fetched / "nothing.py"
        empty_script.write_text("", encoding="utf-8")
        options = {"spark.jars.ivy": str(fetched / "ivy"), "spark.jars.packages": f"io.delta:delta-spark_2.13:{delta}"}
        configuration = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
        run(
            [environment / "bin" / "spark-submit", "--master", "local[1]", *configuration, empty_script],
            env={"SPARK_HOME": _spark_home(environment), "PYSPARK_PYTHON": str(environment / "bin" / "python")},
        )
        finished = fetched / "finished"
        finished.mkdir()
        for jar, checksum in _recorded().items():
            # Ivy names a jar organisation_artifact-version.jar.
            found = next((fetched / "ivy" / "jars").glob(f"*_{jar}"), None)
            if found is None or _sha256(found) != checksum:
                raise SetupError(
                    f"the SHA-256 of {jar} is {found and _sha256(found)}, but {LOCK.relative_to(ROOT)} records "
                    f"{checksum}. If Delta's version has changed, record the new jars there with sha256sum; "
                    "otherwise do not trust the download."
                )
            shutil.move(found, finished / jar)
        kept = folder(cache, delta)
        shutil.rmtree(kept, ignore_errors=True)
        finished.rename(kept)


def _recorded() -> dict[str, str]:
    lines = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {name: checksum for checksum, name in lines}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _spark_home(environment: Path) -> str:
    return os.fspath(environment / "lib" / "python3.11" / "site-packages" / "pyspark")
