"""Programs that a test starts, and all that these start, end with the test: also when it fails, times out or is killed.

Executors, Python daemons and Horovod's ranks leave their parent's process group and outlive their parent, but each
inherits its environment. So a mark in the environment tells whose they are, and a guard, a process of its own that
notices when the test's process is gone, ends all that carry it.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

_VARIABLE = "CATALOG_CLEANER_TEST"
_GRACE_SECONDS = 20


@contextmanager
def guarded() -> Iterator[dict[str, str]]:
    """Yields an environment variable for programs; at the end, all processes that have it are stopped."""
    mark = uuid.uuid4().hex
    guard = subprocess.Popen([sys.executable, __file__, mark], stdin=subprocess.PIPE, start_new_session=True)
    assert guard.stdin
    try:
        yield {_VARIABLE: mark}
    finally:
        guard.stdin.close()
        guard.wait()
    left = carriers(mark)
    assert not left, f"still running: {left}"


def carriers(mark: str) -> list[psutil.Process]:
    """The running processes that carry a mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(_VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # ended meanwhile, or belongs to another user
            continue
    return found


def carriers_of(environment: Mapping[str, str]) -> list[psutil.Process]:
    """The running processes that were started with an environment."""
    return carriers(environment[_VARIABLE])


def kill_carriers(environment: Mapping[str, str]) -> None:
    """Kill all processes that were started with an environment, at once."""
    while running := carriers_of(environment):
        for process in running:
            _signal(process, kill=True)


def end(mark: str) -> None:
    """Stop all processes with a mark: terminate first, so that they remove temporary files, then kill."""
    for process in carriers(mark):
        _signal(process, kill=False)
    # A process may have started another one in the meantime.
    while stubborn := _after_grace(mark):
        for process in stubborn:
            _signal(process, kill=True)


def _after_grace(mark: str) -> list[psutil.Process]:
    """The processes that still run when the grace period is over; returns at once when there are none.

    `psutil.wait_procs` would wait for zombies as well, and those stay until their parent, the test, reads their status.
    """
    until = time.monotonic() + _GRACE_SECONDS
    while (running := carriers(mark)) and time.monotonic() < until:
        time.sleep(0.2)
    return running


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.stdin.buffer.read()  # ends when the test's process closes it or ends
    end(sys.argv[1])
