"""Killed runs: the next run that locks the warehouse reports them and removes their leftover files."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.lifecycle.run_context import run_context
from jobs.lifecycle.starts import find_starts, mark_start
from jobs.runs import runs
from jobs.warehouse.tables import Warehouse
from schemas.tables import RUNS
from tests.spark.frames import frame, rows_of

NOW = dt.datetime(2026, 3, 1, 2, 30, tzinfo=dt.UTC)
KILLED = """
import datetime as dt, os, pathlib, signal, sys
from jobs.lifecycle.starts import mark_start
now = dt.datetime(2026, 3, 1, 2, 30, tzinfo=dt.UTC)
with mark_start(pathlib.Path(sys.argv[1]), "train-2026-03-01-abcdef", "train", now.date(), now):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def job_of(warehouse: Warehouse, name: str = "nightly") -> Job:
    return Job(name, load_settings("test"), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))


@pytest.fixture
def killed(warehouse: Warehouse) -> Path:
    """A warehouse's folder after a killed training, with leftover files of it and of another run."""
    folder = warehouse.folder
    assert folder is not None
    (folder / "_work" / "train-2026-03-01-abcdef").mkdir(parents=True)
    for name in ("nightly-1-delivered", "predictions"):
        warehouse.stage(name, frame(warehouse.spark, "a INT", (1,)))
    ended = subprocess.run([sys.executable, "-c", KILLED, folder], check=False)
    assert ended.returncode < 0
    return folder


def test_the_next_run_reports_a_killed_run(warehouse: Warehouse, killed: Path) -> None:
    assert [(start.run_id, start.alive) for start in find_starts(killed)] == [("train-2026-03-01-abcdef", False)]
    with run_context(job_of(warehouse), NOW.date()):
        assert rows_of(warehouse.read(RUNS), "run_id", "job", "status") == [
            ("train-2026-03-01-abcdef", "train", "interrupted")
        ]
        assert not list((killed / "_work").iterdir())
        assert [left.name for left in (killed / "_staging").iterdir()] == ["predictions"]
    assert find_starts(killed) == []
    assert not list((killed / "_starts").iterdir())
    with run_context(job_of(warehouse), NOW.date()):
        pass
    assert sorted(status for (status,) in rows_of(warehouse.read(RUNS), "status")) == ["done", "done", "interrupted"]
    took = {row["status"]: row["took"] for row in runs(job_of(warehouse, "runs")).sections[0].rows_by_name}
    assert took["interrupted"] is None  # nobody knows when it was killed


def test_a_running_run_is_not_touched(warehouse: Warehouse) -> None:
    folder = warehouse.folder
    assert folder is not None
    with mark_start(folder, "train-2026-03-01-000001", "train", NOW.date(), NOW) as marker:
        (folder / "_work" / "train-2026-03-01-000001").mkdir(parents=True)
        with run_context(job_of(warehouse), NOW.date()):
            pass
        assert [(start.run_id, start.alive) for start in find_starts(folder)] == [("train-2026-03-01-000001", True)]
        assert (folder / "_work" / "train-2026-03-01-000001").is_dir()
        shown = runs(job_of(warehouse, "runs")).sections[0].rows_by_name
        assert [row["status"] for row in shown] == ["running", "done"]
        marker.remove()
    assert find_starts(folder) == []


@pytest.mark.usefixtures("killed")
def test_an_interrupted_run_without_a_row_is_shown(warehouse: Warehouse) -> None:
    summary = runs(job_of(warehouse, "runs"))
    assert [(row["run_id"], row["status"]) for row in summary.sections[0].rows_by_name] == [
        ("train-2026-03-01-abcdef", "interrupted")
    ]


def test_the_list_of_runs_fits_eighty_columns(warehouse: Warehouse) -> None:
    def fail(number: int) -> None:
        with run_context(job_of(warehouse), NOW.date()) as run:
            run.counts["rows_in"] = 26_719 + number
            raise ValueError("the disk is gone " + "and so is the night " * 9)

    for number in range(3):
        with pytest.raises(ValueError, match="gone"):
            fail(number)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    runs(job_of(warehouse, "runs")).show(console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    ids = [row.run_id for row in warehouse.read(RUNS).collect()]
    for run_id in ids:
        (line,) = [line for line in lines if run_id in line and "failed" in line]
        assert "2026-" in line
    assert sum("rows_in 26,7" in line for line in lines) == 3
