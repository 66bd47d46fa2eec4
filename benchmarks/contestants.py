"""The ways to score: which there are, and a running one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.place import Place
from benchmarks.processes import Program, serve_command, started


@dataclass(frozen=True)
class Way:
    """A way to score.

    Attributes:
        name: of `benchmarks.spark_contestant`, or a layout of `benchmarks.bare_loop`.
        spark: whether it runs on Spark.
        batches: rows at once that it may choose from; none: it has its own.
    """

    name: str
    spark: bool
    batches: tuple[int, ...]


@dataclass
class Contestant:
    """A way to score, running in a process of its own.

    Attributes:
        way: which.
        program: serves it.
        rows: listings in all.
        every, few: folders of all listings, and of a handful.
        batch: rows at once; None for its own.
        seconds: of every repeat.
        few_seconds: for the handful.
    """

    way: Way
    program: Program
    rows: int
    every: Path
    few: Path
    batch: int | None
    seconds: list[float] = field(default_factory=list)
    few_seconds: list[float] = field(default_factory=list)

    def score(self, listings: Path, collect: Path | None = None) -> float:
        """Score a folder's listings; the seconds that it took.

        Args:
            listings: `every` or `few`.
            collect: a file for the verdicts; None drops them.
        """
        target = None if collect is None else str(collect)
        answer = self.program.ask(listings=str(listings), rows=self.rows, batch_rows=self.batch, collect=target)
        return float(answer["seconds"])

    def choose(self) -> dict[int, float]:
        """Batch size -> seconds; each is run twice and the second counts, since the first may load the networks."""
        tried = {}
        for batch in self.way.batches:
            self.batch = batch
            self.score(self.every)
            tried[batch] = self.score(self.every)
        return tried

    def repeat(self) -> None:
        """Measure once more. Spark ends Python workers that have been idle for a minute, so they are woken before."""
        self.score(self.few)
        self.few_seconds.append(self.score(self.few))
        self.seconds.append(self.score(self.every))

    @property
    def whole(self) -> float:
        """Seconds for all listings, the median of the repeats."""
        return median(self.seconds)

    @property
    def further(self) -> float:
        """What is left of it without what the handful takes."""
        return self.whole - median(self.few_seconds)


@contextmanager
def running(place: Place, way: Way, setup: Mapping[str, Any], batch: int | None) -> Iterator[Contestant]:
    """Start a contestant.

    Args:
        place: where.
        way: which.
        setup: what `benchmarks.scoring_files` has written.
        batch: rows at once.
    """
    module = "spark_contestant" if way.spark else "bare_loop"
    with started(place, serve_command(module, way.name, json.dumps(setup)), spark=way.spark) as program:
        yield Contestant(way, program, int(setup["rows"]), Path(setup["every"]), Path(setup["few"]), batch)
