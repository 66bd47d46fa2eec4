"""When the review page starts the process that writes its answers and renews its export."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.reviewing import renewal
from jobs.reviewing.answering import Answer, store_answers
from jobs.reviewing.database import Store
from jobs.reviewing.outgoing import remember_runs
from jobs.reviewing.renewal import LOG, Renewal, newest_version
from jobs.reviewing.showing import Filters, Reviewer, show_next
from tests.review_samples import category_item, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA = Reviewer("window", "page", "ada", "reviewer")
COUNTING = "import pathlib, sys; file = pathlib.Path(sys.argv[1]); file.write_text(file.read_text() + 'x')"


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "_LOOK_SECONDS", 0.02)


class Setting:
    """A store with an export, and a warehouse whose table runs has version 3, which has been looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.warehouse, self.starts = folder / "store", folder / "warehouse", folder / "starts"
        self.starts.write_text("")
        self.store = Store(self.folder)
        write_store(self.folder, [category_item(n) for n in range(3)])
        remember_runs(self.store, 3)
        for version in (2, 3):
            self.commit(version)

    def commit(self, version: int) -> None:
        log = self.warehouse / "runs" / "_delta_log"
        log.mkdir(parents=True, exist_ok=True)
        (log / f"{version:020}.json").write_text("{}")

    def renewal(self, every: float = 3600, command: Sequence[str] = ("-c", COUNTING), local: bool = True) -> Renewal:
        words = [sys.executable, *command, str(self.starts)]
        return Renewal(self.store, self.warehouse if local else None, words, every)

    def started(self, times: int) -> bool:
        """Whether it is started as often as that within ten seconds, and not more often in a moment."""
        until = time.monotonic() + 10
        while len(self.starts.read_text()) < times and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)
        return len(self.starts.read_text()) == times

    def answer(self) -> None:
        [showing] = show_next(self.store, ADA, Filters(), [], 1, NOON)
        store_answers(self.store, ADA, [Answer(showing.showing_id, "accept")], NOON)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def test_nothing_is_started_without_a_reason(setting: Setting) -> None:
    with setting.renewal():
        assert setting.started(0)


def test_a_new_row_of_runs_is_looked_at_once(setting: Setting) -> None:
    with setting.renewal():
        setting.commit(4)
        until = time.monotonic() + 10
        while not setting.starts.read_text() and time.monotonic() < until:
            time.sleep(0.01)
        remember_runs(setting.store, 4)  # as the process does
        first = len(setting.starts.read_text())
        assert first >= 1
        assert setting.started(len(setting.starts.read_text()))


def test_a_store_without_an_export_gets_one(setting: Setting) -> None:
    (setting.folder / "open-items.sqlite").unlink()
    with setting.renewal(command=("-c", f"{COUNTING}; sys.exit(1)")):
        assert setting.started(1), "after a failure it waits a minute"


def test_answers_are_written_after_a_while(setting: Setting) -> None:
    setting.answer()
    with setting.renewal(every=3600):
        assert setting.started(1), "then not before an hour has gone"


def test_a_warehouse_elsewhere_is_asked_now_and_then(setting: Setting) -> None:
    with setting.renewal(local=False):
        assert setting.started(1)


def test_it_waits_while_a_job_holds_the_warehouse(setting: Setting) -> None:
    setting.answer()
    setting.commit(4)
    holder = {"host": socket.gethostname(), "process": os.getpid()}
    owner = setting.warehouse / "_lock.json"
    owner.write_text(json.dumps(holder))
    with setting.renewal():
        assert setting.started(0)
        owner.write_text(json.dumps({**holder, "process": 2**22 + 1}))  # no process has this id: it was killed
        until = time.monotonic() + 10
        while not setting.starts.read_text() and time.monotonic() < until:
            time.sleep(0.01)
        assert setting.starts.read_text()


def test_the_end_of_the_server_ends_the_process(setting: Setting) -> None:
    setting.commit(4)
    slow = "import sys, time; print('begun', flush=True); time.sleep(60)"
    began = time.monotonic()
    with setting.renewal(command=("-c", slow)):
        while "begun" not in _text(setting.folder / LOG):
            assert time.monotonic() - began < 30
            time.sleep(0.02)
    assert time.monotonic() - began < 40


def test_the_newest_version_is_that_of_the_last_commit(setting: Setting) -> None:
    assert newest_version(setting.warehouse / "runs") == 3
    assert newest_version(setting.warehouse / "none") == -1


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
