"""One writing job at a time on a local warehouse.

On a local file system Delta guards commits only within one JVM, so a second process could overwrite a commit unnoticed.
The operating system holds the lock and frees it as soon as a process dies; a second file names the holder for people.
Object stores and catalogues have guarantees of their own.
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
    """Hold the warehouse while the block runs. Does nothing if the warehouse is not a local folder.

    Raises:
        FailedError: another job still holds it after `wait_seconds`.
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
            f"{folder} is held by {_holder(owner)}; only one job at a time may write. Run the command again when "
            "it has finished, or let it wait: --set lock.wait_seconds=600."
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
        return "another job that has not written its name yet"
