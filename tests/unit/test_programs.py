"""Programs end with the test that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.programs import carriers, guarded

# A program whose child leaves its session and group, as Spark's Python daemons and Horovod's ranks do.
_DETACHING = "import subprocess, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
_TEST = f"""
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from tests.programs import guarded
with guarded() as mark:
    subprocess.Popen([sys.executable, "-c", {_DETACHING!r}], env=os.environ | mark)
    print(*mark.values(), flush=True)
    time.sleep(600)
"""


def wait_for(mark: str, count: int) -> list[psutil.Process]:
    """Wait until `count` processes carry the mark."""
    until = time.monotonic() + 30
    while len(found := carriers(mark)) != count:
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def test_detached_child_processes_end_with_the_test() -> None:
    with guarded() as mark:
        subprocess.Popen([sys.executable, "-c", _DETACHING], env=os.environ | mark)
        running = wait_for(next(iter(mark.values())), 2)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in running)


def test_child_processes_end_if_the_test_is_killed() -> None:
    root = Path(__file__).parents[2]
    test = subprocess.Popen([sys.executable, "-c", _TEST, root], stdout=subprocess.PIPE, text=True)
    assert test.stdout
    mark = test.stdout.readline().strip()
    # Between its fork and its exec, the child is still named after its parent.
    until = time.monotonic() + 30
    while "sleep" not in {process.name() for process in wait_for(mark, 2)}:
        assert time.monotonic() < until, carriers(mark)
    test.send_signal(signal.SIGKILL)
    test.wait()
    wait_for(mark, 0)
