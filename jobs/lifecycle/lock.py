"""The lock of a local warehouse: only one job may write at a time.

On a local file system Delta protects commits only within one JVM, so a second process could silently overwrite a
commit. The operating system holds the lock and releases it when the process ends. A second file names the holder for
people. If it is still there, the holder was killed; then its JVM, which does the writing, may still run for a few
seconds, and the next job waits until it has ended. Elsewhere a lease does the same (`jobs.lifecycle.lease`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from schemas.errors import FailedError, HeldError

_JVM_SECONDS = 60.0
"""How long the JVM of a killed job may take to end; it notices within a second that its driver is gone."""


@contextmanager
def warehouse_lock(
    folder: Path,
    job: str,
    wait_seconds: float,
    now: dt.datetime,
    print_progress: Callable[[str], None],
    jvm: int | None = None,
) -> Iterator[None]:
    """Hold the lock of a warehouse while the block runs.

    Args:
        folder: the warehouse's folder.
        job: name of the job, for messages.
        wait_seconds: how long to wait for another job.
        now: the current time, UTC.
        print_progress: prints what the job waits for.
        jvm: process id of the JVM that writes for the job; None: there is none.

    Raises:
        HeldError: another job still holds the lock after `wait_seconds`.
        FailedError: the folder cannot be written to, or the JVM of a killed job does not end.
    """
    owner = folder / "_lock.json"
    lock = FileLock(folder / "_lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait_seconds == 0:
                raise
            print_progress(f"waiting up to {wait_seconds:g} s for {_holder(owner)}, because only one job may write")
            lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise HeldError(
            f"{folder} is locked by {_holder(owner)}; only one job may write at a time. Run the command again when "
            "that job has finished, or wait longer for it with --set lock.wait_seconds=3600."
        ) from None
    except OSError as error:
        raise FailedError(
            f"cannot lock {folder}: {error.strerror}. A job that writes needs a folder that it may write to."
        ) from error
    try:
        _await_jvm(owner)
        text = {
            "job": job,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": now.isoformat(timespec="seconds"),
            "jvm": jvm,
            "jvm_started": None if jvm is None else psutil.Process(jvm).create_time(),
        }
        owner.write_text(json.dumps(text), encoding="utf-8")
        try:
            yield
        finally:
            owner.unlink(missing_ok=True)
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a job seems to hold the lock. Nothing is locked for this look, so the next moment it can be otherwise."""
    try:
        who = json.loads((folder / "_lock.json").read_text(encoding="utf-8"))
        return bool(who["host"] != socket.gethostname()) or psutil.pid_exists(int(who["process"]))
    except (OSError, ValueError, KeyError, TypeError):  # no file, or none that says so
        return False


def _await_jvm(owner: Path) -> None:
    """Wait until the JVM of a killed job has ended.

    Raises:
        FailedError: it does not end.
    """
    until = time.monotonic() + _JVM_SECONDS
    while (left := _running_jvm(owner)) is not None:
        if time.monotonic() > until:
            raise FailedError(
                f"{owner.parent}: {_holder(owner)} was killed, but its JVM (process {left}) still runs and may write. "
                "Stop that process, and run the command again."
            )
        time.sleep(0.2)


def _running_jvm(owner: Path) -> int | None:
    """The process id of the JVM that a file names, if it still runs on this machine and is not this process's own."""
    try:
        who = json.loads(owner.read_text(encoding="utf-8"))
        jvm = psutil.Process(who["jvm"]) if who["host"] == socket.gethostname() else None
        # A process that was started at another time is another one with the same id.
        if jvm is None or jvm.create_time() != who["jvm_started"] or jvm.ppid() == os.getpid():
            return None
        return jvm.pid if jvm.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):  # no file, or none that says so
        return None


def _holder(owner: Path) -> str:
    try:
        who = json.loads(owner.read_text(encoding="utf-8"))
        return f"job {who['job']} (process {who['process']} on {who['host']}, since {who['since']})"
    except (OSError, ValueError, KeyError):
        return "another job, which has not written its name yet"
