"""`python -m benchmarks`: runs the benchmarks that are named, shows what they found and keeps it as JSON."""

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

from benchmarks.nights import measure_nights
from benchmarks.place import ROOT, Place, open_place
from benchmarks.results import Outcome, write_outcome
from benchmarks.scoring import measure_scoring
from benchmarks.table import outcome_table
from benchmarks.training import measure_training


class Benchmark(StrEnum):
    """What can be measured."""

    SCORING = "scoring"
    NIGHTS = "nights"
    TRAINING = "training"


_MEASURES: dict[Benchmark, Callable[[Place, float], Outcome]] = {
    Benchmark.SCORING: measure_scoring,
    Benchmark.NIGHTS: measure_nights,
    Benchmark.TRAINING: measure_training,
}


def main(
    benchmarks: Annotated[list[Benchmark] | None, typer.Argument(help="Which; all by default.")] = None,
    scale: Annotated[float, typer.Option("--scale", min=0.001, help="Of the sizes; limits are meant for 1.")] = 1.0,
    work: Annotated[Path, typer.Option("--work", help="Keeps what is prepared, for the next run.")] = ROOT
    / ".cache"
    / "bench",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the JSON goes: benchmarks/results at scale 1, else the work folder."),
    ] = None,
) -> None:
    """Measure ratios on this machine, and show which keep their limits; a missed limit is no failure."""
    # A termination ends this process as an interruption does, so that what it has started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    target = out or (ROOT / "benchmarks" / "results" if scale == 1 else work / "results")
    # Where the table does not go to a terminal, nothing limits its width.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    with open_place(work) as place:
        for benchmark in benchmarks or list(Benchmark):
            place.say(f"{benchmark}: begins")
            outcome = _MEASURES[benchmark](place, scale)
            console.print(outcome_table(outcome))
            place.say(f"{benchmark}: kept in {write_outcome(outcome, target, dt.datetime.now(dt.UTC))}")


if __name__ == "__main__":
    typer.run(main)
