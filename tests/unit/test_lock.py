from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from jobs.lifecycle.lock import warehouse_lock
from jobs.warehouse.address import parse_address
from schemas.errors import FailedError

NOW = dt.datetime(2026, 1, 1, 3, tzinfo=dt.UTC)


def _hold_until_killed(folder: Path) -> None:
    with warehouse_lock(folder, "nightly", 0.0, NOW, print):
        time.sleep(60)


@pytest.fixture
def holder(tmp_path: Path) -> multiprocessing.process.BaseProcess:
    """Another process that holds the warehouse."""
    process = multiprocessing.get_context("spawn").Process(target=_hold_until_killed, args=(tmp_path,), daemon=True)
    process.start()
    until = time.monotonic() + 30
    while not (tmp_path / "_lock.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return process


def test_a_warehouse_held_by_a_running_process_is_refused_and_the_holder_named(
    tmp_path: Path, holder: multiprocessing.process.BaseProcess
) -> None:
    said = rf"job nightly \(process {holder.pid} on .*since 2026-01-01T03:00:00"
    with pytest.raises(FailedError, match=said), warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        pass
    holder.kill()
    holder.join()


def test_every_spelling_of_a_folder_uses_the_same_lock(
    tmp_path: Path, holder: multiprocessing.process.BaseProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path / "link").symlink_to(tmp_path)
    spellings = (tmp_path.name, f"{tmp_path}/", f"{tmp_path}/link", f"file://{tmp_path}", f"file:{tmp_path}/x/..")
    for text in spellings:
        folder = parse_address(text, lambda _: False).folder
        assert folder is not None
        locked = pytest.raises(FailedError, match="is locked by job nightly")
        with locked, warehouse_lock(folder, "nightly", 0.0, NOW, print):
            pass
    holder.kill()
    holder.join()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path, holder: multiprocessing.process.BaseProcess) -> None:
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert (tmp_path / "_lock.json").exists()
    with warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        owner = json.loads((tmp_path / "_lock.json").read_text())
    assert (owner["job"], owner["process"]) == ("ingest", os.getpid())
    assert not (tmp_path / "_lock.json").exists()


def test_a_job_waits_as_long_as_configured(tmp_path: Path, holder: multiprocessing.process.BaseProcess) -> None:
    began, said = time.monotonic(), list[str]()
    with pytest.raises(FailedError), warehouse_lock(tmp_path, "ingest", 0.5, NOW, said.append):
        pass
    assert time.monotonic() - began >= 0.5
    # The holder ends while the job waits.
    ending = threading.Timer(0.3, holder.kill)
    ending.start()
    with warehouse_lock(tmp_path, "train", 30.0, NOW, said.append):
        assert json.loads((tmp_path / "_lock.json").read_text())["job"] == "train"
    holder.join()
    for seconds, line in zip((0.5, 30), said, strict=True):
        assert line.startswith(f"waiting up to {seconds} s for job nightly (process {holder.pid} on ")


@pytest.mark.parametrize("host", [socket.gethostname(), "another-host"])
def test_a_name_left_behind_does_not_hold_the_lock(host: str, tmp_path: Path) -> None:
    """After a reboot or on another host, the process id may belong to a running process, such as this one."""
    left = {"job": "nightly", "host": host, "process": os.getpid(), "since": NOW.isoformat()}
    (tmp_path / "_lock.json").write_text(json.dumps(left))
    (tmp_path / "_lock").touch()
    with warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        assert json.loads((tmp_path / "_lock.json").read_text())["job"] == "ingest"


def test_half_a_name_does_not_hold_the_lock_and_does_not_hide_that_it_is_held(
    tmp_path: Path, holder: multiprocessing.process.BaseProcess
) -> None:
    """The holder was killed while it wrote its name, or is about to write it."""
    (tmp_path / "_lock.json").write_text('{"job": "nigh')
    with pytest.raises(FailedError, match="another job"), warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        pass
    holder.kill()
    holder.join()
    (tmp_path / "_lock.json").write_text('{"job": "nigh')
    with warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        pass


def left_by_killed_job(folder: Path, jvm: psutil.Process, started: float) -> None:
    left = {"job": "nightly", "host": socket.gethostname(), "process": 1, "since": "2026-01-01T03:00:00+00:00"}
    (folder / "_lock.json").write_text(json.dumps(left | {"jvm": jvm.pid, "jvm_started": started}))


def test_a_job_waits_for_the_jvm_of_a_killed_one_and_not_for_another_process_with_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its parent has ended, as that of the JVM of a killed job.
    started = subprocess.run(["sh", "-c", "sleep 3 >/dev/null 2>&1 & echo $!"], capture_output=True, check=True)
    jvm = psutil.Process(int(started.stdout))
    left_by_killed_job(tmp_path, jvm, jvm.create_time())
    with monkeypatch.context() as hurried:
        hurried.setattr("jobs.lifecycle.lock._JVM_SECONDS", 0.3)
        refused = pytest.raises(FailedError, match=rf"nightly .* killed, but its JVM \(process {jvm.pid}\) still runs")
        with refused, warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
            pass
    left_by_killed_job(tmp_path, jvm, jvm.create_time() - 60)
    with warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        assert jvm.is_running()
    left_by_killed_job(tmp_path, jvm, jvm.create_time())
    with warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        assert not jvm.is_running() or jvm.status() == psutil.STATUS_ZOMBIE


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "_lock").mkdir()
    refused = pytest.raises(FailedError, match=rf"cannot lock {tmp_path}: Is a directory")
    with refused, warehouse_lock(tmp_path, "ingest", 0.0, NOW, print):
        pass
