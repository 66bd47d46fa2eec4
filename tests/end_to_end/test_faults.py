"""Full and read-only disks, and jobs that run at the same time: for `make test-all`.

The faults are those of the operating system, such as ENOSPC, returned to the program by the library that announces
changes. So they need no file system of their own, and strike at any chosen change.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobs.lifecycle.publications import find_publication
from tests.crash.cases import CASES, NIGHT, ingest, review
from tests.crash.contents import differences, finished
from tests.crash.contents import published as read_all
from tests.crash.events import GO_ON, Change, compile_watcher, run_watched
from tests.crash.trial import prepare
from tests.end_to_end.conftest import Workspace
from tests.programs import guarded

pytestmark = [pytest.mark.crash, pytest.mark.end_to_end, pytest.mark.timeout(3600)]

WRITES = ("create", "write", "mkdir", "truncate")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that announces changes."""
    return compile_watcher(tmp_path_factory.mktemp("watcher"))


def fault_from(prefix: str, code: int, operations: tuple[str, ...]) -> Callable[[Change], int]:
    """All changes fail from the first one below a path on."""
    failing = False

    def before(change: Change) -> int:
        nonlocal failing
        failing = failing or (change.path.startswith(prefix) and change.operation in operations)
        return code if failing and change.operation in operations else GO_ON

    return before


@pytest.mark.parametrize(
    ("case", "prefix"),
    [
        ("nightly", "_starts"),
        ("nightly", "_staging"),
        ("nightly", "clean_listings"),
        ("nightly", "runs"),
        ("ingest", "listing_changes"),
        ("ingest", "listings"),
        ("train", "_work"),
        ("train", "mlflow/artifacts"),
    ],
)
def test_a_disk_that_fills_is_a_clear_error_and_half_a_write_is_not_seen(
    case: str, prefix: str, published: Workspace, library: Path, tmp_path: Path
) -> None:
    trial = prepare(CASES[case], published, tmp_path)
    left = trial.start.copy(tmp_path / "full")
    ended = run_watched(library, left.path, trial.process(left), fault_from(prefix, errno.ENOSPC, WRITES))
    assert ended.code == 1, ended.output
    assert "No space left on device" in ended.output
    assert read_all(left.warehouse) == trial.before
    assert trial.problems(left) == ""


@pytest.mark.parametrize("case", ["nightly", "ingest", "review"])
def test_a_read_only_warehouse_is_a_clear_error(case: str, published: Workspace, library: Path, tmp_path: Path) -> None:
    trial = prepare(CASES[case], published, tmp_path)
    left = trial.start.copy(tmp_path / "read-only")
    ended = run_watched(library, left.path, trial.process(left), lambda _: errno.EROFS)
    assert ended.code == 1, ended.output
    assert "Read-only file system" in ended.output
    assert read_all(left.warehouse) == trial.before
    report = replace(trial, words=("report",))
    assert run_watched(library, left.path, report.process(left), lambda _: errno.EROFS).code == 0, "reading works"


def test_the_jvm_of_a_killed_driver_ends_before_the_next_run_writes(
    published: Workspace, library: Path, tmp_path: Path
) -> None:
    trial = prepare(CASES["nightly"], published, tmp_path)
    running = trial.start.copy(tmp_path / "running")
    found: list[str] = []

    def kill_the_driver_alone(change: Change) -> int:
        if change.operation == "rename" and change.path.startswith("clean_listings/_delta_log/0") and not found:
            owner = json.loads((running.path / "_lock.json").read_text())
            os.kill(owner["process"], signal.SIGKILL)
            assert psutil.Process(owner["jvm"]).is_running()
            found.append(trial.problems(running))
            assert not psutil.pid_exists(owner["jvm"]) or psutil.Process(owner["jvm"]).status() == psutil.STATUS_ZOMBIE
        return GO_ON

    assert run_watched(library, running.path, trial.process(running), kill_the_driver_alone).code == -signal.SIGKILL
    assert found == [""]


def test_two_nights_and_all_others_at_once_lose_nothing(published: Workspace, tmp_path: Path) -> None:
    """They start together as processes, and each waits for the others. None changes what a night decides."""
    trial = prepare(CASES["nightly"], published, tmp_path)
    shared = trial.start.copy(tmp_path / "shared")
    today = dt.datetime.now(dt.UTC).date().isoformat()
    past = ("backfill", "--from", today, "--to", today)
    others = (ingest(shared, tmp_path), review(shared, tmp_path), ("maintain",), ("encode",), past)
    words = [replace(trial, words=each).process(shared) for each in (trial.words, trial.words, *others)]
    logs = [tmp_path / f"{place}.log" for place in range(len(words))]
    with guarded() as mark:
        started = []
        for each, log in zip(words, logs, strict=True):
            with log.open("wb") as out:
                command = [*each, "--set", "lock.wait_seconds=1800"]
                started.append(subprocess.Popen(command, env=os.environ | mark, stdout=out, stderr=out))
        codes = [process.wait(timeout=1800) for process in started]
    assert codes == [0] * len(words), [log.read_text()[-800:] for log in logs]
    runs = finished(shared.warehouse) - finished(trial.start.warehouse)
    assert sorted((job, status) for job, _, status in runs.elements()) == [
        ("backfill", "done"),
        ("encode", "done"),
        ("ingest", "done"),
        ("maintain", "done"),
        ("nightly", "published"),
        ("nightly", "published"),
        ("review", "done"),
    ]
    seen = read_all(shared.warehouse)
    assert seen is not None
    assert trial.after is not None
    # The review and the ingest have added their decisions, which decide nothing, and their own unusable rows.
    added: dict[str, Counter[str]] = {"quarantine": Counter(), "review_decisions": Counter()}
    assert differences({**seen.tables, **added}, {**trial.after.tables, **added}) == ""


def test_a_command_that_does_not_wait_is_refused_and_names_the_one_that_runs(
    published: Workspace, library: Path, tmp_path: Path
) -> None:
    """A real night, which stands still for a moment just before its first commit."""
    running = published.copy(tmp_path)
    date = find_publication(running.warehouse).run_date.isoformat()
    commands = (
        ("nightly", "--run-date", date),
        ingest(running, tmp_path),
        review(running, tmp_path),
        ("maintain",),
        ("backfill", "--apply", "--category", "x"),
        ("erase", "--listing", "D0000001"),
        ("models", "rollback"),
    )
    refused: list[str] = []

    def before(change: Change) -> int:
        if change.path.startswith("predictions/_delta_log/0") and not refused:
            owner = json.loads((running.path / "_lock.json").read_text())
            refused.extend(str(running.run(*words, fails_with=1)["error"]) for words in commands)
            said = f"is locked by job nightly (process {owner['process']} on "
            assert [said in error for error in refused] == [True] * len(commands), refused
        return GO_ON

    words = ("nightly", "--run-date", NIGHT, "--warehouse", str(running.path), "--profile", "test")
    ended = run_watched(library, running.path, [sys.executable, "-m", "jobs.cli", *words], before)
    assert (ended.code, len(refused)) == (0, len(commands)), ended.output


def test_a_night_runs_beside_a_training_that_learns(published: Workspace, library: Path, tmp_path: Path) -> None:
    trial = prepare(CASES["nightly"], published, tmp_path)
    shared = trial.start.copy(tmp_path / "shared")
    found: list[str] = []
    learning = threading.Event()

    def before(change: Change) -> int:
        if change.path.startswith("_work/") and "progress" in change.path and not learning.is_set():
            learning.set()
            # The training still runs, so its marker and its folder are there.
            lines = trial.problems(shared).splitlines()
            found.append("\n".join(line for line in lines if not re.match(r"left behind: _(starts|work)/train-", line)))
        return GO_ON

    training = replace(trial, words=("train",))
    ended = run_watched(library, shared.path, training.process(shared), before)
    assert ended.code == 0, ended.output
    assert found == [""]
    assert len(shared.run("models", "list")["models"]) == 2
