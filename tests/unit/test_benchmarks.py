"""What the benchmarks work out from their measurements, how they hold it against the limits, and what they leave."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from benchmarks.catalogue import beginning, numbers, write_beginnings, write_changes
from benchmarks.place import open_place
from benchmarks.processes import ProgramError, started
from benchmarks.ratios import NightSeconds, divide, growth
from benchmarks.results import Limit, Line, Outcome, Sense, write_outcome
from benchmarks.table import outcome_table
from benchmarks.training import TrainingSeconds
from benchmarks.verdicts import NARROW, agree
from catalogue_generator.spec import CatalogueSpec

NIGHTS = NightSeconds(
    listings=1000, first=110.0, unchanged=10.0, few=14.0, few_rows=2, changed=15.0, changed_rows=12
)  # fmt: skip


def test_a_quotient_of_what_noise_hides_is_none() -> None:
    assert divide(3.0, 2.0) == 1.5
    assert divide(3.0, 0.0) is None
    assert divide(3.0, -0.1) is None


def test_growth_of_linear_time_is_two() -> None:
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
    assert NIGHTS.further_row == pytest.approx(0.1)
    assert NIGHTS.further_row_ratio == pytest.approx(1.0)
    assert replace(NIGHTS, first=9.0).row_ratio is None


@pytest.mark.parametrize(
    ("sense", "ratio", "met"),
    [
        (Sense.AT_LEAST, 0.9, True),
        (Sense.AT_LEAST, 0.8999, False),
        (Sense.ABOVE, 0.9, False),
        (Sense.ABOVE, 0.9001, True),
        (Sense.AT_MOST, 0.9, True),
        (Sense.AT_MOST, 0.9001, False),
    ],
)
def test_limits(sense: Sense, ratio: float, met: bool) -> None:
    limit = Limit(sense, 0.9)
    assert limit.met(ratio) is met
    assert Line("x", ratio, {}, 1, limit).verdict == ("met" if met else "missed")
    assert str(limit) == f"{sense.value} 0.9"


def test_a_line_without_limit_or_ratio_has_no_verdict_of_its_own() -> None:
    assert Line("x", 1.0, {}, 1).verdict == "-"
    assert Line("x", None, {}, 1, Limit(Sense.AT_MOST, 1.0)).verdict == "not measurable"


@pytest.fixture
def outcome() -> Outcome:
    lines = [
        Line("a against b", 0.5, {"a": 1.23456789, "b": 2.0}, 6000, Limit(Sense.AT_LEAST, 0.9)),
        Line("memory", None, {"a": 700.0}, 6000, Limit(Sense.AT_MOST, 1.1), "MiB"),
        Line("for the record", 1.0, {}, 6000),
    ]
    return Outcome("scoring", 1.0, lines, {"repeats": [1.0, 2.0]})


def test_an_outcome_is_kept_with_where_and_with_what_it_was_measured(outcome: Outcome, tmp_path: Path) -> None:
    path = write_outcome(outcome, tmp_path / "results", dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
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


def test_the_table_says_what_is_missed(outcome: Outcome) -> None:
    console = Console(record=True, width=140, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(outcome_table(outcome))
    shown = console.export_text().splitlines()
    assert any(
        "a against b" in s and "0.50" in s and "at least 0.9" in s and "missed" in s and "2 s" in s for s in shown
    )
    assert any("memory" in s and "not measurable" in s and "700 MiB" in s for s in shown)


def test_training_time_is_sorted_by_branch() -> None:
    epochs = [("text", 2.0), ("text", 3.0), ("picture", 10.0), ("picture", 12.0), ("picture", 14.5)]
    seconds = TrainingSeconds.of(30.0, [{"what": what, "seconds": at} for what, at in epochs])
    assert seconds == TrainingSeconds(whole=30.0, networks=14.5, steady=1.0 + 4.5)


def verdicts(path: Path, **changed: object) -> Path:
    values: dict[str, object] = {name: ["hats", None] for name in NARROW}
    values |= {"listing_id": ["B", "A"], "confidence": [0.5, None], "text_confidence": [0.5, None]}
    values |= {"image_confidence": [0.25, None], "image_status": ["ok", "missing"]} | changed
    pd.DataFrame(values).to_parquet(path)
    return path


def test_contestants_agree_whatever_the_order_and_the_word_for_nothing(tmp_path: Path) -> None:
    first = verdicts(tmp_path / "first")
    other = verdicts(
        tmp_path / "other",
        listing_id=["A", "B"],
        predicted_category=["None", "hats"],
        confidence=[None, 0.50005],
        text_confidence=[None, 0.5],
        image_confidence=[None, 0.25],
        image_status=["missing", "ok"],
    )
    agree({"first": first, "other": other}, 2)


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
def test_contestants_that_differ_are_seen(tmp_path: Path, changed: dict[str, object]) -> None:
    said = {"first": verdicts(tmp_path / "first"), "other": verdicts(tmp_path / "other", **changed)}
    with pytest.raises(AssertionError, match="other and first"):
        agree(said, 2)


def test_catalogues_are_beginnings_of_each_other_and_changes_are_spread(tmp_path: Path) -> None:
    spec = CatalogueSpec(listings=400, categories=4, seed=1, pictures=False)
    write_beginnings(tmp_path, spec, [100, 300], lambda _: None)
    small, large = (pq.read_table(beginning(tmp_path, size)) for size in (100, 300))
    assert set(numbers(small).to_pylist()) == set(range(100))
    assert set(numbers(large).to_pylist()) == set(range(300))
    assert large.filter(pa.compute.less(numbers(large), 100)).equals(small)

    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert write_changes(beginning(tmp_path, 300), tmp_path / "changes.parquet", 100, 7, moment) == 3
    changes = pq.read_table(tmp_path / "changes.parquet")
    assert changes.schema.equals(large.schema)
    assert sorted(numbers(changes).to_pylist()) == [7, 107, 207]
    assert set(changes["updated_at"].to_pylist()) == {moment}
    assert all(title.endswith("new of 20.11.") for title in changes["title"].to_pylist())


def test_what_is_prepared_is_kept_and_what_is_half_made_is_not(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        assert not list(folder.iterdir())
        (folder / "file").touch()

    def fail(folder: Path) -> None:
        make(folder)
        raise ValueError("stopped")

    with open_place(tmp_path) as place:
        with pytest.raises(ValueError, match="stopped"):
            place.prepare("thing", {"rows": 1}, fail)
        for rows in (1, 1, 2, 2):
            place.prepare("thing", {"rows": rows}, make)
        assert len(made) == 3
        with pytest.raises(SystemExit, match="another run"), open_place(tmp_path):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thing"]


def test_no_program_outlives_its_start(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True); sys.stdin.read()"
    with open_place(tmp_path) as place, started(place, [sys.executable, "-c", child], spark=False) as program:
        deadline = time.monotonic() + 20
        while not (left := psutil.Process(program.process.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [process.name() for process in left] == ["sleep"]
        time.sleep(0.7)  # until it has been seen
        assert program.watch.peak.largest > 1_000_000
    assert not left[0].is_running()
    assert program.process.returncode == 0


def test_a_failing_program_says_why(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with open_place(tmp_path) as place:
        with started(place, words, spark=False) as program, pytest.raises(ProgramError, match="no such thing"):
            program.finish()
        with started(place, words, spark=False) as program, pytest.raises(ProgramError, match="no such thing"):
            program.ask(rows=1)
