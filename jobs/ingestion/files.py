"""Finds the files of a batch, on any file system that Spark supports."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from jobs.console.job import Job
from jobs.console.root_cause import root_cause
from jobs.ingestion.opening import COMPRESSIONS, compression
from jobs.warehouse.folders import LOG_FOLDER, open_path
from jobs.warehouse.session import local_file
from schemas.errors import UsageError

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
"""Extension -> format. Text files may be compressed: .csv.gz, .csv.bz2, .csv.zst."""
TABLE_FORMATS = ("delta", "table")
# Spark treats paths as glob patterns, so special characters are escaped.
_PATTERN = re.compile(r"([\\*?\[\]{}])")
_TABLE = re.compile(r"[^/\\:.]+(\.[^/\\:.]+)+")
"""The name of a table of a catalogue."""
_UNFINISHED = "_temporary"
"""Folder that Spark removes when it has written all files."""
_NO_CLIENT = ("UnsupportedFileSystemException", "ClassNotFoundException")
_NEEDS_JAR = (
    ". Spark needs the jar of such addresses' file system: start the command with spark-submit --jars, or copy the "
    "files to a folder."
)


@dataclass(frozen=True)
class Files:
    """The files at a location, all of one format.

    Attributes:
        location: as given.
        format: `parquet`, `csv` or `json`; `delta` for a Delta table, and `table` for a table of a catalogue.
        paths: the files; of a table, the location alone.
    """

    location: str
    format: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        """Number, format and location of the files, for messages."""
        if self.format in TABLE_FORMATS:
            return f"the table {self.location}"
        count = len(self.paths)
        return f"{count:,} {self.format} file{'s' if count != 1 else ''} from {self.location}"


def find_files(spark: SparkSession, location: str) -> Files:
    """List the files at a location, on any file system that Spark supports. Names that begin with _ or . are skipped.

    Raises:
        UsageError: there are no files, the folder contains folders, or file extensions are unknown or mixed.
    """
    try:
        if _is_table_name(location) and spark.catalog.tableExists(location):
            return Files(location, "table", (location,))
        path, file_system = open_path(spark, location)
        if not file_system.exists(path):
            raise _missing(location)
        statuses = list(file_system.listStatus(path))
    except Py4JJavaError as error:
        cause = root_cause(error)
        way_out = _NEEDS_JAR if cause.startswith(_NO_CLIENT) else ""
        raise UsageError(f"{location}: {cause}{way_out}") from error
    return _files(location, [(str(s.getPath().toString()), bool(s.isDirectory())) for s in statuses])


def refuse_missing(job: Job, location: str) -> None:
    """Refuse files that `find_files` would refuse, before Spark starts, if they are certainly on this machine.

    Raises:
        UsageError: as `find_files`.
    """
    find_local_files(job, location)


def find_local_files(job: Job, location: str) -> Files | None:
    """List the files at a location as `find_files`, without Spark; None unless they are certainly on this machine.

    Raises:
        UsageError: as `find_files`.
    """
    path = local_file(location, job.settings.spark)
    if path is None or (not path.exists() and _is_table_name(location)):
        return None
    if not path.exists():
        raise _missing(location)
    above = next((each for each in _above(path.absolute()) if (each / LOG_FOLDER).is_dir()), None)
    if above is not None:
        raise UsageError(
            f"{location} is a part of the Delta table {above}, and may hold deleted and replaced rows: give the folder "
            "of the table, with --table-version for an earlier version."
        )
    return _files(location, [(str(each), each.is_dir()) for each in (path.iterdir() if path.is_dir() else [path])])


def _above(path: Path) -> list[Path]:
    """The folder of a file or of a partition (`month=7`), and of the partitions above it: one may be a table's."""
    found = []
    while path.is_file() or "=" in path.name:
        path = path.parent
        found.append(path)
    return found


def _is_table_name(location: str) -> bool:
    return bool(_TABLE.fullmatch(location)) and extension(location) not in FORMATS


def _missing(location: str) -> UsageError:
    return UsageError(f"{location}: no such file or folder.")


def _files(location: str, entries: Sequence[tuple[str, bool]]) -> Files:
    """The files among the entries of a folder: their names, and whether each is a folder itself."""
    entries = sorted(entries)
    if (LOG_FOLDER, True) in [(_name(name), is_folder) for name, is_folder in entries]:
        return Files(location, "delta", (location,))
    entries = [(name, is_folder) for name, is_folder in entries if len(entries) == 1 or _name(name)[0] not in "._"]
    folders = [_name(name) for name, is_folder in entries if is_folder]
    if folders and all("=" in name for name in folders):
        raise UsageError(
            f"{location} is divided by {folders[0].partition('=')[0]} ({folders[0]}, ...), which its files do not "
            "contain: write it as a Delta table, or in files of one folder."
        )
    if folders:
        raise UsageError(
            f"{location} contains folders ({folders[0]}, ...): give the folder that directly contains the files."
        )
    paths = tuple(name for name, _ in entries)
    if not paths:
        raise UsageError(f"{location} contains no files: give a file or a folder of files.")
    return Files(location, _format(location, paths), paths)


def last_changed(spark: SparkSession, paths: Sequence[str]) -> dt.datetime:
    """When the newest of some files was last changed, UTC."""
    times = []
    for each in paths:
        path, file_system = open_path(spark, each)
        times.append(int(file_system.getFileStatus(path).getModificationTime()))
    return dt.datetime.fromtimestamp(max(times) / 1000, dt.UTC)


def refuse_existing(job: Job, folder: str) -> None:
    """Check that a folder to be written does not exist, or that it is what a killed run has left unfinished.

    Spark starts only if the folder may be on another file system.

    Raises:
        UsageError: it exists.
    """
    path = local_file(folder, job.settings.spark)
    if _is_finished(job.spark, folder) if path is None else path.exists() and not (path / _UNFINISHED).exists():
        raise UsageError(f"{folder} exists: name a new folder, or remove it first.")


def _is_finished(spark: SparkSession, folder: str) -> bool:
    """Whether a folder exists, on any file system, and Spark has written all its files."""
    try:
        path, file_system = open_path(spark, folder)
        unfinished, _ = open_path(spark, f"{folder}/{_UNFINISHED}")
        return bool(file_system.exists(path)) and not file_system.exists(unfinished)
    except Py4JJavaError as error:
        raise UsageError(f"{folder}: {root_cause(error)}") from error


def _format(location: str, paths: Sequence[str]) -> str:
    extensions = sorted({extension(path) for path in paths})
    if unknown := [each for each in extensions if each not in FORMATS]:
        example = next(_name(path) for path in paths if extension(path) == unknown[0])
        raise UsageError(
            f"{location}: {example} has an unknown extension; use one of {', '.join(FORMATS)}. Text files may be "
            f"compressed ({', '.join(COMPRESSIONS)})."
        )
    if compressed := [path for path in paths if FORMATS[extension(path)] == "parquet" and compression(path)]:
        raise UsageError(f"{location}: {_name(compressed[0])} must be unpacked first; Parquet compresses by itself.")
    if len({FORMATS[each] for each in extensions}) > 1:
        raise UsageError(f"{location} contains {' and '.join(extensions)} files: load one format at a time.")
    return FORMATS[extensions[0]]


def extension(path: str) -> str:
    """The extension of a file, without that of its compression."""
    plain = PurePosixPath(path)
    return (plain.with_suffix("") if compression(path) else plain).suffix.lower()


def escaped(paths: Sequence[str]) -> tuple[str, ...]:
    """Paths for Spark's readers, which take them for patterns."""
    return tuple(_PATTERN.sub(r"\\\1", path) for path in paths)


def _name(path: str) -> str:
    return PurePosixPath(path).name
