"""The methods that are compared, and a running one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Program, serve_command, start_program
from benchmarks.work_folder import WorkFolder

MIB = 2**20


@dataclass(frozen=True)
class Method:
    """A way to score or encode listings.

    Attributes:
        name: a name that the module knows.
        module: the module of this package that serves the method.
        spark: whether it runs on Spark.
        batches: the batch sizes to try; empty: it uses its default.
    """

    name: str
    module: str
    spark: bool
    batches: tuple[int, ...]


@dataclass
class RunningMethod:
    """A method that runs in its own process.

    Attributes:
        method: the method.
        program: the process.
        rows: number of listings.
        every, few: folders with all listings, and with a few.
        batch: batch size; None: its default.
        seconds: of each repeat, for all listings.
        few_seconds: of each repeat, for the few listings.
    """

    method: Method
    program: Program
    rows: int
    every: Path
    few: Path
    batch: int | None
    seconds: list[float] = field(default_factory=list)
    few_seconds: list[float] = field(default_factory=list)

    def score(self, listings: Path, collect: Path | None = None) -> float:
        """Score or encode a folder's listings and return the seconds it took.

        Args:
            listings: `every` or `few`.
            collect: a file for the results; None drops them.
        """
        target = None if collect is None else str(collect)
        answer = self.program.ask(listings=str(listings), rows=self.rows, batch_rows=self.batch, collect=target)
        return float(answer["seconds"])

    def try_batch_sizes(self, listings: Path) -> dict[int, float]:
        """Seconds by batch size; each runs twice and the second run counts, since the first may load the networks.

        Args:
            listings: `every` or `few`.
        """
        tried = {}
        for batch in self.method.batches:
            self.batch = batch
            self.score(listings)
            tried[batch] = self.score(listings)
        return tried

    def repeat(self) -> None:
        """Measure once more, after a warm-up run: Spark stops Python workers that have been idle for a minute."""
        self.score(self.few)
        self.few_seconds.append(self.score(self.few))
        self.seconds.append(self.score(self.every))

    @property
    def whole(self) -> float:
        """Median seconds for all listings."""
        return median(self.seconds)

    @property
    def net(self) -> float:
        """Median seconds for all listings minus those for the few listings."""
        return self.whole - median(self.few_seconds)


@contextmanager
def start_method(
    work: WorkFolder, method: Method, setup: Mapping[str, Any], batch: int | None
) -> Iterator[RunningMethod]:
    """Run a method in its own process.

    Args:
        work: the work folder.
        method: the method.
        setup: the answer of `benchmarks.scoring_files`.
        batch: batch size; None: the method's default.
    """
    command = serve_command(method.module, method.name, json.dumps(setup))
    with start_program(work, command, spark=method.spark) as program:
        yield RunningMethod(method, program, int(setup["rows"]), Path(setup["every"]), Path(setup["few"]), batch)


def best_batch(tried: Mapping[int, float]) -> int | None:
    """The batch size that took the fewest seconds; None if none was tried."""
    return min(tried, key=tried.__getitem__) if tried else None


def repeat_in_turns(work: WorkFolder, methods: Mapping[str, RunningMethod], repeats: int) -> None:
    """Warm all methods up, then measure them in turns."""
    for method in methods.values():
        method.score(method.every)
    for number in range(repeats):
        for name, method in methods.items():
            method.repeat()
            work.say(f"repeat {number + 1} of {repeats}, {name}: {method.seconds[-1]:.2f} s")


def details_of(method: RunningMethod) -> dict[str, object]:
    """What was measured of a method, as JSON values."""
    peak = method.program.monitor.peak
    return {
        "way": asdict(method.method),
        "batch_rows": method.batch,
        "seconds": method.seconds,
        "seconds_for_few": method.few_seconds,
        "largest_worker_mib": peak.largest / MIB,
        "workers_together_mib": peak.total / MIB,
    }
