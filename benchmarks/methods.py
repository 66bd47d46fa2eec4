"""The scoring methods that are compared, and a running one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Program, serve_command, start_program
from benchmarks.work_folder import WorkFolder


@dataclass(frozen=True)
class Method:
    """A scoring method.

    Attributes:
        name: a name that `benchmarks.spark_scoring` knows, or a layout of `benchmarks.bare_loop`.
        spark: whether it runs on Spark.
        batches: the batch sizes to try; empty: it uses its default.
    """

    name: str
    spark: bool
    batches: tuple[int, ...]


@dataclass
class RunningMethod:
    """A scoring method that runs in its own process.

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
        """Score a folder's listings and return the seconds it took.

        Args:
            listings: `every` or `few`.
            collect: a file for the predictions; None drops them.
        """
        target = None if collect is None else str(collect)
        answer = self.program.ask(listings=str(listings), rows=self.rows, batch_rows=self.batch, collect=target)
        return float(answer["seconds"])

    def try_batch_sizes(self) -> dict[int, float]:
        """Seconds by batch size; each runs twice and the second run counts, since the first may load the networks."""
        tried = {}
        for batch in self.method.batches:
            self.batch = batch
            self.score(self.every)
            tried[batch] = self.score(self.every)
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
    module = "spark_scoring" if method.spark else "bare_loop"
    with start_program(work, serve_command(module, method.name, json.dumps(setup)), spark=method.spark) as program:
        yield RunningMethod(method, program, int(setup["rows"]), Path(setup["every"]), Path(setup["few"]), batch)
