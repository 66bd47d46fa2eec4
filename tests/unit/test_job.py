"""The context of a command: a step of it has its own start, and progress counts from that of the command."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from rich.console import Console

from jobs.console.job import Job

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def test_a_step_of_a_command_starts_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    unused: Any = None
    out = io.StringIO()
    demo = Job("demo", unused, unused, unused, NOON, Console(file=out))
    times = iter(NOON + dt.timedelta(seconds=seconds) for seconds in (200, 240))
    monkeypatch.setattr("jobs.console.job.clock", lambda: next(times))
    night = demo.step("nightly")
    night.print_progress("publishing")
    assert (night.name, night.started_at) == ("nightly", NOON + dt.timedelta(seconds=200))
    assert out.getvalue() == "  240.0 s  publishing\n"
