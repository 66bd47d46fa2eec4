"""Unexpected failures: a one-sentence message, the traceback in a file, and a row in runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job, clock, reported_errors
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.tables import Warehouse
from schemas.tables import RUNS

NOW = clock()


def broken(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A function for `mapInArrow` that fails in the executor."""
    for _ in batches:
        raise ValueError("the model cannot read listing x-17")
    yield from ()


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, for this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_failed_task_is_reported_in_one_sentence(
    warehouse: Warehouse, private: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = Job("nightly", load_settings("test"), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))
    with pytest.raises(typer.Exit) as ended, reported_errors("nightly", NOW), run_context(job, NOW.date()):
        warehouse.spark.range(2).mapInArrow(broken, "id LONG").collect()
    assert ended.value.exit_code == 1
    said = [line for line in capfd.readouterr().err.splitlines() if "WARN" not in line]
    ours = [line for line in said if line.startswith("failed: ")]
    assert len(ours) == 1
    match = re.fullmatch(r"failed: ValueError: the model cannot read listing x-17\. The traceback is in (\S+)", ours[0])
    assert match
    log = Path(match[1])
    assert log.is_relative_to(private)
    assert "Traceback (most recent call last)" in log.read_text()
    (row,) = warehouse.read(RUNS).collect()
    assert (row.status, row.message) == ("failed", "ValueError: the model cannot read listing x-17")


def test_an_interrupt_is_reported_in_one_sentence(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reported_errors("train", NOW):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err.strip() == "interrupted: train was stopped by the user"
    assert not list(private.rglob("*.log"))
