"""Send folders, such as models and encoders, to all nodes of a Spark session."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from pyspark import SparkFiles
from pyspark.sql import SparkSession

_PART = 1 << 20
"""Bytes read at once: a model may have hundreds of megabytes."""


def ship_folder(spark: SparkSession, folder: Path) -> str:
    """Distribute a folder to every node, once per Spark session; tasks find it by the returned name (`shipped_folder`).

    The name is a hash of the content, because one session may use several warehouses, each with a model version 1.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder)}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as content:
            while part := content.read(_PART):
                digest.update(part)
    name = f"catalog-cleaner-{digest.hexdigest()[:16]}"
    shipped = _shipped(spark.sparkContext.applicationId or "")
    if name not in shipped:
        # Keep the archive as long as this process runs: executors that start later also download it.
        kept = tempfile.TemporaryDirectory(prefix="catalog-cleaner-")
        path = Path(kept.name) / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for file in files:
                archive.write(file, str(file.relative_to(folder)))
        spark.sparkContext.addArchive(f"{path}#{name}")
        shipped[name] = kept
    return name


def shipped_folder(name: str) -> Path:
    """The folder on this node, for a task."""
    return Path(SparkFiles.getRootDirectory()) / name


@cache
def _shipped(_application: str) -> dict[str, tempfile.TemporaryDirectory[str]]:
    return {}
