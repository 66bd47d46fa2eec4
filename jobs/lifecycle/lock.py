"""One writing job at a time on a local warehouse.

Delta's commits on a local file system are guarded only inside one JVM, so a second process could overwrite
a commit in silence. The operating system holds the lock, so that of a dead process is free at once; a
second file names the holder for people. Object stores and catalogs have guarantees of their own.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from schemas.errors import FailedError


@contextmanager
def hold(folder: Path | None, job: str, wait_seconds: float, now: dt.datetime) -> Iterator[None]:
    """Hold the warehouse while the block runs; nothing to hold where it is not a local folder.

    Raises:
        FailedError: another job holds it, and went on holding it as long as we were told to wait.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder / "_lock.json"
    lock = FileLock(folder / "_lock")
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise FailedError(
            f"{folder} is held by {_holder(owner)}; one job writes at a time. Wait for it, or give "
            "--set lock.wait_seconds=600."
        ) from None
    try:
        text = {
            "job": job,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": now.isoformat(timespec="seconds"),
        }
        owner.write_text(json.dumps(text), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _holder(owner: Path) -> str:
    try:
        who = json.loads(owner.read_text(encoding="utf-8"))
        return f"job {who['job']} (process {who['process']} on {who['host']}, since {who['since']})"
    except (OSError, ValueError, KeyError):
        return "another job (which has not yet said its name)"
