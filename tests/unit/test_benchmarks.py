"""The benchmarks: ratios, limits, the result file, and the cleanup of files and processes."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from benchmarks.backfill import Archive, Ran, archive_ratios
from benchmarks.catalogue import numbers, prefix_file, write_changes, write_prefixes
from benchmarks.predictions import COMMON_COLUMNS, assert_equal_predictions
from benchmarks.processes import ProgramError, start_program
from benchmarks.ratios import NightSeconds, divide, growth
from benchmarks.results import Limit, Ratio, Relation, Result, write_result
from benchmarks.table import result_table
from benchmarks.training import TrainingSeconds
from benchmarks.vectors import assert_equal_vectors
from benchmarks.work_folder import open_work_folder
from catalogue_generator.spec import CatalogueSpec

NIGHTS = NightSeconds(
    listings=1000, first=110.0, unchanged=10.0, few=14.0, few_rows=2, changed=15.0, changed_rows=12
)  # fmt: skip


def test_the_quotient_is_none_if_the_divisor_is_not_positive() -> None:
    assert divide(3.0, 2.0) == 1.5
    assert divide(3.0, 0.0) is None
    assert divide(3.0, -0.1) is None


def test_growth_is_two_for_linear_time() -> None:
    assert growth([11.0, 12.0, 14.0]) == pytest.approx(2.0)
    assert growth([1.0, 4.0, 16.0]) == pytest.approx(4.0)
    assert growth([5.0, 4.0, 6.0]) is None


def test_a_night_is_split_into_fixed_cost_and_rows() -> None:
    assert NIGHTS.unchanged_share == pytest.approx(10 / 110)
    assert NIGHTS.changed_share == pytest.approx(15 / 110)
    assert NIGHTS.first_row == pytest.approx(0.1)
    assert NIGHTS.changed_row == pytest.approx(5 / 12)
    assert NIGHTS.row_ratio == pytest.approx(50 / 12)
    assert NIGHTS.whole_row_ratio == pytest.approx(5 / 12 / 0.11)
    assert NIGHTS.marginal_row == pytest.approx(0.1)
    assert NIGHTS.marginal_row_ratio == pytest.approx(1.0)
    assert replace(NIGHTS, first=9.0).row_ratio is None
    as_few = replace(NIGHTS, few_rows=NIGHTS.changed_rows)
    assert as_few.marginal_row is as_few.marginal_row_ratio is None


@pytest.mark.parametrize(
    ("comparison", "ratio", "met"),
    [
        (Relation.AT_LEAST, 0.9, True),
        (Relation.AT_LEAST, 0.8999, False),
        (Relation.ABOVE, 0.9, False),
        (Relation.ABOVE, 0.9001, True),
        (Relation.AT_MOST, 0.9, True),
        (Relation.AT_MOST, 0.9001, False),
    ],
)
def test_a_limit_is_met_or_missed(comparison: Relation, ratio: float, met: bool) -> None:
    limit = Limit(comparison, 0.9)
    assert limit.met(ratio) is met
    assert Ratio("x", ratio, {}, 1, limit).status == ("met" if met else "missed")
    assert str(limit) == f"{comparison.value} 0.9"


def test_a_ratio_without_limit_or_value_is_neither_met_nor_missed() -> None:
    assert Ratio("x", 1.0, {}, 1).status == "-"
    assert Ratio("x", None, {}, 1, Limit(Relation.AT_MOST, 1.0)).status == "not measurable"


@pytest.fixture
def result() -> Result:
    ratios = [
        Ratio("a against b", 0.5, {"a": 1.23456789, "b": 2.0}, 6000, Limit(Relation.AT_LEAST, 0.9)),
        Ratio("memory", None, {"a": 700.0}, 6000, Limit(Relation.AT_MOST, 1.1), "MiB"),
        Ratio("for the record", 1.0, {}, 6000),
    ]
    return Result("scoring", 1.0, ratios, {"repeats": [1.0, 2.0]})


def test_a_result_is_written_with_machine_and_versions(result: Result, tmp_path: Path) -> None:
    path = write_result(result, tmp_path / "results", dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    kept = json.loads(path.read_text())
    assert path.name == "scoring.json"
    assert kept["date"] == "2026-11-24T00:00:00+00:00"
    assert kept["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert {"python", "pyspark", "tensorflow-cpu"} <= kept["versions"].keys()
    assert [(r["ratio"], r["wanted"], r["verdict"]) for r in kept["ratios"]] == [
        (0.5, "at least 0.9", "missed"),
        (None, "at most 1.1", "not measurable"),
        (1.0, None, "-"),
    ]
    assert kept["ratios"][0]["figures"] == {"a": 1.234568, "b": 2.0}
    assert kept["details"] == {"repeats": [1.0, 2.0]}


def test_the_table_shows_missed_limits(result: Result) -> None:
    console = Console(record=True, width=140, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(result_table(result))
    shown = console.export_text().splitlines()
    assert any(
        "a against b" in s and "0.50" in s and "at least 0.9" in s and "missed" in s and "2 s" in s for s in shown
    )
    assert any("memory" in s and "not measurable" in s and "700 MiB" in s for s in shown)


def test_training_seconds_are_split_by_branch() -> None:
    epochs = [("text", 2.0), ("text", 3.0), ("picture", 10.0), ("picture", 12.0), ("picture", 14.5)]
    seconds = TrainingSeconds.of(30.0, [{"what": what, "seconds": at} for what, at in epochs])
    assert seconds == TrainingSeconds(whole=30.0, networks=14.5, steady=1.0 + 4.5)


def write_predictions(path: Path, **changed: object) -> Path:
    values: dict[str, object] = {name: ["hats", None] for name in COMMON_COLUMNS}
    values |= {"listing_id": ["B", "A"], "confidence": [0.5, None], "text_confidence": [0.5, None]}
    values |= {"image_confidence": [0.25, None], "image_status": ["ok", "missing"]} | changed
    pd.DataFrame(values).to_parquet(path)
    return path


def test_equal_predictions_may_differ_in_order_and_in_missing_values(tmp_path: Path) -> None:
    first = write_predictions(tmp_path / "first")
    other = write_predictions(
        tmp_path / "other",
        listing_id=["A", "B"],
        predicted_category=["None", "hats"],
        confidence=[None, 0.50005],
        text_confidence=[None, 0.5],
        image_confidence=[None, 0.25],
        image_status=["missing", "ok"],
    )
    assert_equal_predictions({"first": first, "other": other}, 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"predicted_category": ["shoes", None]},
        {"image_status": ["ok", "ok"]},
        {"confidence": [0.5002, None]},
        {"text_confidence": [0.5, 0.1]},
        {"listing_id": ["B", "C"]},
    ],
)
def test_different_predictions_are_reported(tmp_path: Path, changed: dict[str, object]) -> None:
    files = {"first": write_predictions(tmp_path / "first"), "other": write_predictions(tmp_path / "other", **changed)}
    with pytest.raises(AssertionError, match="other and first"):
        assert_equal_predictions(files, 2)


def test_smaller_catalogues_are_prefixes_of_larger_ones_and_changes_are_spread(tmp_path: Path) -> None:
    spec = CatalogueSpec(listings=400, categories=4, seed=1, pictures=False)
    write_prefixes(tmp_path, spec, [100, 300], lambda _: None)
    small, large = (pq.read_table(prefix_file(tmp_path, size)) for size in (100, 300))
    assert set(numbers(small).to_pylist()) == set(range(100))
    assert set(numbers(large).to_pylist()) == set(range(300))
    assert large.filter(pa.compute.less(numbers(large), 100)).equals(small)

    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert write_changes(prefix_file(tmp_path, 300), tmp_path / "changes.parquet", 100, 7, moment) == 3
    changes = pq.read_table(tmp_path / "changes.parquet")
    assert changes.schema.equals(large.schema)
    assert sorted(numbers(changes).to_pylist()) == [7, 107, 207]
    assert set(changes["updated_at"].to_pylist()) == {moment}
    assert all(title.endswith("new of 20.11.") for title in changes["title"].to_pylist())


def test_complete_prepared_folders_are_kept_and_incomplete_ones_are_made_again(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        assert not list(folder.iterdir())
        (folder / "file").touch()

    def fail(folder: Path) -> None:
        make(folder)
        raise ValueError("stopped")

    with open_work_folder(tmp_path) as work:
        with pytest.raises(ValueError, match="stopped"):
            work.prepare("thing", {"rows": 1}, fail)
        for rows in (1, 1, 2, 2):
            work.prepare("thing", {"rows": rows}, make)
        assert len(made) == 3
        with pytest.raises(SystemExit, match="another run"), open_work_folder(tmp_path):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thing"]


def test_child_processes_are_stopped_at_the_end(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True); sys.stdin.read()"
    with open_work_folder(tmp_path) as work, start_program(work, [sys.executable, "-c", child], spark=False) as program:
        deadline = time.monotonic() + 20
        names: list[str] = []
        while names != ["sleep"] and time.monotonic() < deadline:  # a new process has its parent's name at first
            time.sleep(0.05)
            left = psutil.Process(program.process.pid).children()
            names = [process.name() for process in left]
        assert names == ["sleep"]
        time.sleep(0.7)  # until the monitor has seen it
        assert program.monitor.peak.largest > 1_000_000
    assert not left[0].is_running()
    assert program.process.returncode == 0


def test_an_error_shows_the_log_of_the_failed_program(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with open_work_folder(tmp_path) as work:
        with start_program(work, words, spark=False) as program, pytest.raises(ProgramError, match="no such thing"):
            program.finish()
        with start_program(work, words, spark=False) as program, pytest.raises(ProgramError, match="no such thing"):
            program.ask(rows=1)


def write_vectors(path: Path, **changed: object) -> Path:
    values: dict[str, object] = {"listing_id": ["B", "A"], "image_status": ["ok", "missing"]}
    values |= {"vector": [np.array([0.5, 6.0], "<f2").tobytes(), None]} | changed
    pd.DataFrame(values).to_parquet(path)
    return path


def test_equal_vectors_may_differ_in_order_and_in_the_last_bit(tmp_path: Path) -> None:
    nearly = np.nextafter(np.array([0.5, 6.0], "<f2"), np.float16(7)).tobytes()
    columns = {"listing_id": ["A", "B"], "image_status": ["missing", "ok"], "vector": [None, nearly]}
    other = write_vectors(tmp_path / "other", **columns)
    assert_equal_vectors({"first": write_vectors(tmp_path / "first"), "other": other}, 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"vector": [np.array([0.51, 6.0], "<f2").tobytes(), None]},
        {"vector": [None, np.array([0.5, 6.0], "<f2").tobytes()]},
        {"image_status": ["ok", "corrupt"]},
        {"listing_id": ["B", "C"]},
    ],
)
def test_different_vectors_are_reported(tmp_path: Path, changed: dict[str, object]) -> None:
    files = {"first": write_vectors(tmp_path / "first"), "other": write_vectors(tmp_path / "other", **changed)}
    with pytest.raises(AssertionError, match="other and first"):
        assert_equal_vectors(files, 2)


def test_archives_are_compared_with_their_first_nights_and_with_each_other() -> None:
    def ran(seconds: float, size: float) -> Ran:
        return Ran(seconds, {}, {}, {"driver": 100.0, "workers": size, "JVM": 2 * size})

    large = Archive(20_000, ran(100.0, 1.0), ran(120.0, 540.0))
    small = Archive(5_000, ran(50.0, 1.0), ran(45.0, 500.0))
    ratios = {(each.what.split(":")[0], each.listings): each for each in archive_ratios([large, small])}
    speed = "an archive with pictures against the first night of the same rows"
    assert [(ratios[speed, n].ratio, ratios[speed, n].status) for n in (5_000, 20_000)] == [
        (0.9, "met"),
        (1.2, "missed"),
    ]
    assert ratios["workers", 20_000].figures == {"5,000": 500.0, "20,000": 540.0}
    assert [ratios[part, 20_000].status for part in ("driver", "workers", "JVM")] == ["met", "met", "-"]
    assert ratios["JVM", 20_000].ratio == pytest.approx(1.08)
    assert {each.what for each in archive_ratios([small])} == {speed}
