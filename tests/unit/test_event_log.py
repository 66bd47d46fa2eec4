"""The event log: one JSON object a line, with the command and the run, and without anything from the catalogue."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from jobs.console.event_log import LOGGER, bind_events, event_log, log_event
from jobs.console.job import Job, clock, reported_errors
from schemas.errors import UsageError


def events(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.rglob("*.jsonl")
    return [json.loads(line) for line in file.read_text("ascii").splitlines()]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_each_event_is_a_line_with_its_time_and_bound_fields(tmp_path: Path) -> None:
    with event_log(tmp_path / "a.jsonl"), bind_events(job="nightly"):
        with bind_events(run_id="n-1"):
            log_event("run_ended", counts={"rows_in": 3}, run_date=dt.date(2026, 11, 25))
        log_event("progress", message="two\nlines \u2028 é")
    log_event("after the block")
    first, second = events(tmp_path)
    assert dt.datetime.fromisoformat(first.pop("time")).utcoffset() == dt.timedelta(0)
    assert first == {
        "event": "run_ended", "job": "nightly", "run_id": "n-1", "counts": {"rows_in": 3}, "run_date": "2026-11-25",
    }  # fmt: skip
    assert second["time"].endswith("Z")
    del second["time"]
    assert second == {"event": "progress", "job": "nightly", "message": "two\nlines \u2028 é"}
    assert not [handler for handler in LOGGER.handlers if isinstance(handler, logging.FileHandler)]


def _explain() -> None:
    job: Any = None
    with reported_errors("explain", clock()):
        Job("explain", job, job, job, clock(), Console(quiet=True)).print_progress("reading")
        raise UsageError("there is no listing 'secret-17'")


def test_a_command_that_fails_logs_the_kind_of_error_and_not_its_message(logs: Path) -> None:
    with pytest.raises(typer.Exit):
        _explain()
    said, ended = events(logs)
    assert (said["event"], said["job"], said["message"]) == ("progress", "explain", "reading")
    assert (ended["event"], ended["job"], ended["error"]) == ("command_ended", "explain", "UsageError")
    assert "secret" not in json.dumps(events(logs))


def test_a_command_that_succeeds_logs_no_error(logs: Path) -> None:
    with reported_errors("runs", clock()):
        pass
    (ended,) = events(logs)
    assert ended.keys() == {"time", "event", "job", "seconds"}


def test_only_the_newest_event_logs_are_kept(logs: Path) -> None:
    for number in range(52):
        with reported_errors(f"runs{number}", clock()):
            pass
    assert len([*logs.rglob("*.jsonl")]) == 50
