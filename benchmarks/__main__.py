"""`python -m benchmarks`: runs the named benchmarks, prints their ratios and writes them as JSON."""

from __future__ import annotations

import datetime as dt
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.encoding import measure_encoding
from benchmarks.nights import measure_nights
from benchmarks.results import Result, write_result
from benchmarks.scoring import measure_scoring
from benchmarks.table import result_table
from benchmarks.training import measure_training
from benchmarks.work_folder import ROOT, WorkFolder, open_work_folder


class Benchmark(StrEnum):
    """The benchmarks."""

    SCORING = "scoring"
    ENCODING = "encoding"
    NIGHTS = "nights"
    TRAINING = "training"


_MEASURES: dict[Benchmark, Callable[[WorkFolder, float], Result]] = {
    Benchmark.SCORING: measure_scoring,
    Benchmark.ENCODING: measure_encoding,
    Benchmark.NIGHTS: measure_nights,
    Benchmark.TRAINING: measure_training,
}


def main(
    benchmarks: Annotated[list[Benchmark] | None, typer.Argument(help="Benchmarks to run; all by default.")] = None,
    scale: Annotated[
        float, typer.Option("--scale", min=0.001, help="Factor for all sizes; the limits are meant for 1.")
    ] = 1.0,
    work: Annotated[
        Path, typer.Option("--work", help="Folder that keeps catalogues, warehouses and models for the next run.")
    ] = ROOT / ".cache" / "bench",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the JSON; by default benchmarks/results at scale 1, else the work folder."
        ),
    ] = None,
) -> None:
    """Measure ratios on this machine and show which meet their limits; a missed limit is not a failure."""
    # On SIGTERM, exit in the usual way, so that started processes are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    target = out or (ROOT / "benchmarks" / "results" if scale == 1 else work / "results")
    # Without a terminal, use a fixed width that fits the table.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    with open_work_folder(work) as work_folder:
        for benchmark in benchmarks or list(Benchmark):
            work_folder.say(f"{benchmark}: started")
            result = _MEASURES[benchmark](work_folder, scale)
            console.print(result_table(result))
            work_folder.say(f"{benchmark}: written to {write_result(result, target, dt.datetime.now(dt.UTC))}")


if __name__ == "__main__":
    typer.run(main)
