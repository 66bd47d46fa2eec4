"""The lock of a local warehouse: only one job may write at a time.

On a local file system Delta protects commits only within one JVM, so a second process could silently overwrite a
commit. The operating system holds the lock and releases it when the process ends. A second file names the holder for
people. Object stores and catalogues provide their own guarantees.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from schemas.errors import FailedError


@contextmanager
def warehouse_lock(
    folder: Path | None, job: str, wait_seconds: float, now: dt.datetime, print_progress: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock of a warehouse while the block runs. Does nothing if the warehouse is not a local folder.

    Args:
        folder: the warehouse's folder; None if it is not a local folder.
        job: name of the job, for messages.
        wait_seconds: how long to wait for another job.
        now: the current time, UTC.
        print_progress: prints what the job waits for.

    Raises:
        FailedError: another job still holds the lock after `wait_seconds`.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder / "_lock.json"
    lock = FileLock(folder / "_lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait_seconds == 0:
                raise
            print_progress(f"waiting up to {wait_seconds:g} s for {_holder(owner)}, because only one job may write")
            lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise FailedError(
            f"{folder} is locked by {_holder(owner)}; only one job may write at a time. Run the command again when "
            "that job has finished, or wait longer for it with --set lock.wait_seconds=3600."
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
        return "another job, which has not written its name yet"
