"""The load benchmark: the catalogue's files, the stages, the parts of a program, and the table."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from rich.console import Console

from benchmarks.load import Load, commands, generate, run_stage, skew, take_model
from benchmarks.load_table import load_table
from benchmarks.memory import Part, ProcessMonitor
from benchmarks.work_folder import WorkFolder

HOLD = "import sys, time; held = bytearray({} << 20); print(len(held), flush=True); time.sleep(60)"


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path, tmp_path, lambda _line: None)


def test_a_catalogue_is_continued_where_its_generation_stopped(work: WorkFolder, tmp_path: Path) -> None:
    load = Load(5_000, pictures=False, skewed=False)
    generate(work, tmp_path / "catalogue", load)
    first, second = sorted((tmp_path / "catalogue" / "listings").iterdir())
    assert pq.read_table(first).num_rows + pq.read_table(second).num_rows > 5_000  # some are delivered twice
    expected, kept = pq.read_table(second), first.stat().st_mtime_ns
    second.unlink()
    generate(work, tmp_path / "catalogue", load)
    assert pq.read_table(second) == expected
    assert first.stat().st_mtime_ns == kept


def test_in_a_skewed_catalogue_half_have_one_seller_and_half_one_title(work: WorkFolder, tmp_path: Path) -> None:
    generate(work, tmp_path, Load(2_000, pictures=False, skewed=False))
    [file] = (tmp_path / "listings").iterdir()
    before = pq.read_table(file)
    after = skew(before)
    assert after.schema == before.schema
    assert after.drop(["seller_id", "title"]) == before.drop(["seller_id", "title"])
    rows = after.to_pandas()
    seller, title = (rows[name] == rows[name].mode()[0] for name in ("seller_id", "title"))
    assert [seller.mean(), title.mean(), (seller & title).mean()] == pytest.approx([0.5, 0.5, 0.25], abs=0.01)


def test_a_stage_that_is_done_is_not_repeated_and_one_that_failed_is(work: WorkFolder) -> None:
    ran = []

    def fail() -> dict[str, float]:
        ran.append("failed")
        raise ValueError("killed")

    def run() -> dict[str, float]:
        ran.append("ran")
        return {"seconds": 3.0}

    with pytest.raises(ValueError, match="killed"):
        run_stage(work, "second nightly", fail)
    assert [run_stage(work, "second nightly", run) for _ in range(2)] == [{"seconds": 3.0}] * 2
    assert ran == ["failed", "ran"]


def test_memory_is_measured_for_each_part_of_a_program() -> None:
    """The driver starts a worker, which is known by its command line; each holds memory of its own."""
    child = f"subprocess.Popen([sys.executable, '-c', {HOLD.format(90)!r}, 'pyspark.daemon'])"
    words = [sys.executable, "-c", f"import subprocess, sys; {child}; " + HOLD.format(40)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        monitor = ProcessMonitor(driver.pid, spark=True)
        assert {driver.stdout.readline(), driver.stdout.readline()} == {f"{90 << 20}\n", f"{40 << 20}\n"}
        time.sleep(0.1)
        for process in monitor.close():
            process.kill()
    private = {part: peak.private >> 20 for part, peak in monitor.peaks.items() if peak.total}
    assert private.keys() == {Part.DRIVER, Part.WORKERS}
    assert 40 <= private[Part.DRIVER] < 80
    assert 90 <= private[Part.WORKERS] < 130
    assert monitor.peak is monitor.peaks[Part.WORKERS]
    assert monitor.together.total >> 20 >= 130


def test_the_table_shows_sizes_side_by_side() -> None:
    def stage(seconds: float, rank: int) -> dict[str, object]:
        peak = {"private": rank, "largest": rank + 100, "total": rank + 200}
        memory = {"ranks": peak, "all": peak}
        return {"seconds": seconds, "memory_mib": memory, "disk_mib": {"listings": 7.0, "mlflow": 8.0}}

    made = {"seconds": 1.0, "disk_mib": {"catalogue": 2.0}}
    both = {"catalogue": made, "train": stage(9.0, 1200)}
    small = {"train": stage(11.0, 1100)}
    loads = [
        {"listings": 300_000, "pictures": False, "skewed": False, "stages": {"catalogue": made}},
        {"listings": 100_000, "pictures": False, "skewed": False, "stages": both},
        {"listings": 100_000, "pictures": False, "skewed": False, "heap": "1500m", "stages": small},
    ]
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(load_table(loads))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[1:3] == [["100,000"], ["stage", "figure", "100,000", "heap", "1500m", "300,000"]]
    assert ["catalogue", "on", "disk", "2", "2"] in lines
    assert ["train", "largest", "rank", "1,200", "1,100"] in lines
    assert ["train", "largest", "rank,", "with", "mapped", "files", "1,300", "1,200"] in lines
    assert ["train", "on", "disk", "15", "15"] in lines


def test_a_heap_is_passed_to_every_command_and_has_a_folder_of_its_own() -> None:
    words = commands(Path("w"), Path("c"), Load(9_000, pictures=True, skewed=False, heap="1500m"))
    assert list(words) == ["ingest", "encode", "train", "nightly", "second nightly"]
    assert all("spark.driver_memory=1500m" in each for each in words.values())
    default = Load(9_000, pictures=False, skewed=True)
    assert not any("--set" in each for each in commands(Path("w"), Path("c"), default).values())
    assert [default.name, Load(9_000, True, True, "1g").name] == [
        "load-skewed-9000",
        "load-pictures-skewed-heap-1g-9000",
    ]


def test_the_model_of_another_size_takes_the_place_of_a_training(tmp_path: Path) -> None:
    load = Load(9_000, pictures=False, skewed=False, model_of=3_000)
    assert list(commands(Path("w"), Path("c"), load)) == ["ingest", "nightly", "second nightly"]
    with pytest.raises(typer.BadParameter, match=r"no model in .*trained: measure that size first"):
        take_model(tmp_path / "trained", tmp_path / "warehouse")
    for name in ("mlflow", "_keys"):
        (tmp_path / "trained" / name).mkdir(parents=True)
        (tmp_path / "trained" / name / "file").write_text(name)
    take_model(tmp_path / "trained", tmp_path / "warehouse")
    assert [(tmp_path / "warehouse" / name / "file").read_text() for name in ("mlflow", "_keys")] == ["mlflow", "_keys"]
