"""Markers of started runs: a file in the warehouse's folder, until the run's row in `runs` is written.

A run holds an operating system lock on its marker while it runs. A marker whose lock is free therefore belongs to a run
that was killed. Markers exist only if the warehouse is a local folder. Elsewhere the lease tells
which run was killed (`jobs.lifecycle.lease`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

_FOLDER = "_starts"


@dataclass(frozen=True)
class Start:
    """A run that has started and has no row in `runs` yet.

    Attributes:
        run_id, job, run_date: the run.
        started_at: start time, UTC.
        host, process: host name and process id.
        alive: whether the run is still in progress.
    """

    run_id: str
    job: str
    run_date: dt.date
    started_at: dt.datetime
    host: str
    process: int
    alive: bool

    @property
    def message(self) -> str:
        """Describe where the run is in progress, or that it was killed."""
        if self.alive:
            return f"process {self.process} on {self.host}, since {self.started_at:%Y-%m-%d %H:%M} UTC"
        return f"process {self.process} on {self.host} was killed; it started at {self.started_at:%Y-%m-%d %H:%M} UTC"


class Marker:
    """The marker of the current run."""

    def __init__(self, file: Path | None) -> None:
        """Store the marker file; None if the warehouse is not a local folder."""
        self._file = file

    def remove(self) -> None:
        """Remove the marker, because the run's row is written or the run needs none."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


@contextmanager
def mark_start(folder: Path | None, run_id: str, job: str, run_date: dt.date, now: dt.datetime) -> Iterator[Marker]:
    """Write the run's marker and hold its lock while the block runs. The block must remove the marker.

    Args:
        folder: the warehouse's folder; None if it is not a local folder. Then nothing is written.
        run_id, job, run_date: the run.
        now: the current time, UTC.
    """
    if folder is None:
        yield Marker(None)
        return
    starts = folder / _FOLDER
    starts.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock_file(starts, run_id))
    marker = starts / f"{run_id}.json"
    values = {
        "job": job,
        "run_date": run_date.isoformat(),
        "started_at": now.isoformat(),
        "host": socket.gethostname(),
        "process": os.getpid(),
    }
    with lock:
        # Written to a temporary file and renamed, so that no process reads an incomplete marker.
        partial = marker.with_suffix(".tmp")
        partial.write_text(json.dumps(values), encoding="utf-8")
        partial.replace(marker)
        try:
            yield Marker(marker)
        finally:
            if not marker.exists():
                _lock_file(starts, run_id).unlink(missing_ok=True)


def find_starts(folder: Path | None) -> list[Start]:
    """The runs that have started and have no row yet, newest first."""
    files = (folder / _FOLDER).glob("*.json") if folder is not None else ()
    starts = [start for file in files if (start := _read(file)) is not None]
    return sorted(starts, key=lambda start: start.started_at, reverse=True)


def forget_start(folder: Path, run_id: str) -> None:
    """Remove the marker of a killed run."""
    starts = folder / _FOLDER
    (starts / f"{run_id}.json").unlink(missing_ok=True)
    _lock_file(starts, run_id).unlink(missing_ok=True)


def forget_unmarked(folder: Path) -> None:
    """Remove the files of runs that were killed just before their marker was written or just after it was removed."""
    for file in (folder / _FOLDER).glob("*.lock"):
        marker, lock = file.with_suffix(".json"), FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:  # the run is in progress
            continue
        if not marker.exists():
            marker.with_suffix(".tmp").unlink(missing_ok=True)
            file.unlink()  # a run that waits for it notices this and makes a new one
        lock.release()


def _read(file: Path) -> Start | None:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:  # the run has ended in the meantime
        return None
    return Start(
        run_id=file.stem,
        job=values["job"],
        run_date=dt.date.fromisoformat(values["run_date"]),
        started_at=dt.datetime.fromisoformat(values["started_at"]),
        host=values["host"],
        process=values["process"],
        alive=_is_locked(_lock_file(file.parent, file.stem)),
    )


def _is_locked(file: Path) -> bool:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _lock_file(starts: Path, run_id: str) -> Path:
    return starts / f"{run_id}.lock"
