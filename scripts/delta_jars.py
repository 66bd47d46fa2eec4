"""Fetches Delta's jars once, through Spark's own resolver, and keeps those whose SHA-256 the repository records."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from scripts.console import ROOT, SetupError, run, step

LOCK = ROOT / "requirements" / "jars.txt"


def folder(cache: Path, delta: str) -> Path:
    """Where the jars of a version of Delta are kept."""
    return cache / f"delta-{delta}"


def missing(kept: Path) -> bool:
    """Whether a folder lacks a recorded jar, holds a damaged one, or one that is not recorded."""
    return {jar.name: _sha256(jar) for jar in kept.glob("*.jar")} != _recorded()


def fetch(environment: Path, cache: Path, delta: str) -> None:
    """Fill the folder of this version of Delta.

    Args:
        environment: holds pyspark.
        cache: where the folders are kept.
        delta: Delta's version, the same as delta-spark's in the lock.

    Raises:
        SetupError: they cannot be fetched, or are not those that the repository records.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for leftover in cache.glob("fetching-*"):  # of a set-up that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with (
        step(f"Delta's jars, version {delta}"),
        tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as temporary,
    ):
        fetched = Path(temporary)
        nothing = fetched / "nothing.py"
        nothing.write_text("", encoding="utf-8")
        options = {"spark.jars.ivy": str(fetched / "ivy"), "spark.jars.packages": f"io.delta:delta-spark_2.13:{delta}"}
        configuration = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
        run(
            [environment / "bin" / "spark-submit", "--master", "local[1]", *configuration, nothing],
            env={"SPARK_HOME": _spark_home(environment), "PYSPARK_PYTHON": str(environment / "bin" / "python")},
        )
        finished = fetched / "finished"
        finished.mkdir()
        for jar, checksum in _recorded().items():
            # Ivy names a jar organisation_artifact-version.jar.
            found = next((fetched / "ivy" / "jars").glob(f"*_{jar}"), None)
            if found is None or _sha256(found) != checksum:
                raise SetupError(
                    f"Spark's resolver brought {found and _sha256(found)} for {jar}, {LOCK.relative_to(ROOT)} records "
                    f"{checksum}. If Delta's version has changed, record the new jars there with sha256sum; "
                    "if it has not, do not trust what was fetched."
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
