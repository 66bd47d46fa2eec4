"""classify on Spark against a bare loop and two other ways to score on Spark: the same work, in turns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.house import prepare_house
from benchmarks.place import Place
from benchmarks.processes import Program, serve_command, started
from benchmarks.ratios import divide
from benchmarks.results import Limit, Line, Outcome, Sense
from benchmarks.verdicts import agree

_REPEATS = 3
_FEW = 32
_FIRST_BATCH = 256
_LAYOUTS = ("ahead", "beside", "tf_data")
"""Of `benchmarks.bare_loop`."""
_BARE_BATCHES = (64, 128, 256, 512, 1024)
_RIVAL_BATCHES = (128, 256, 1024)
_OURS, _BARE, _RIVALS = "classify", "bare loop", ("predict_batch_udf", "spark_udf")
_MIB = 2**20


@dataclass
class _Contestant:
    """A way to score, ready to run.

    Attributes:
        program: serves it.
        batch: rows at once; None for the product's own.
        tried: batch size -> seconds.
        seconds: of every repeat.
        few: seconds for a handful of listings, several times.
    """

    program: Program
    batch: int | None
    tried: dict[int, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    few: list[float] = field(default_factory=list)

    def score(self, listings: Path, rows: int, collect: Path | None = None) -> float:
        """Score a folder's listings; the seconds that it took."""
        target = None if collect is None else str(collect)
        answer = self.program.ask(listings=str(listings), rows=rows, batch_rows=self.batch, collect=target)
        return float(answer["seconds"])

    def choose(self, batches: Iterable[int], listings: Path, rows: int) -> None:
        """Keep the batch size that is fastest."""
        for self.batch in batches:
            self.tried[self.batch] = self.score(listings, rows)
        self.batch = min(self.tried, key=self.tried.__getitem__)

    @property
    def whole(self) -> float:
        """The median of the repeats."""
        return median(self.seconds)

    @property
    def further(self) -> float:
        """What is left of it without what a handful of listings costs."""
        return self.whole - median(self.few)


def measure_scoring(place: Place, scale: float) -> Outcome:
    """Let all contestants score the same listings, assert that they agree, and work out the ratios."""
    house = prepare_house(place, scale)
    every, few = place.scratch / "listings", place.scratch / "few"
    with started(place, serve_command("scoring_files", house.warehouse)) as program:
        setup = program.ask(all=str(every), few=str(few), few_rows=_FEW)
    rows, words = int(setup["rows"]), json.dumps(setup)
    said: dict[str, Path] = {}

    def collect(name: str, contestant: _Contestant) -> None:
        said[name] = place.scratch / f"said-{len(said)}.parquet"
        contestant.score(every, rows, said[name])

    with ExitStack() as running:
        contestants: dict[str, _Contestant] = {}
        for name in (_OURS, *_RIVALS):
            place.say(f"{name}: warming up")
            program = running.enter_context(started(place, serve_command("spark_contestant", name, words)))
            contestants[name] = _Contestant(program, None if name == _OURS else _FIRST_BATCH)
            collect(name, contestants[name])
            if name in _RIVALS:
                contestants[name].choose(_RIVAL_BATCHES, every, rows)
        layouts: dict[str, _Contestant] = {}
        for layout in _LAYOUTS:
            place.say(f"{_BARE}, layout {layout}: warming up")
            command = serve_command("bare_loop", layout, words)
            layouts[layout] = _Contestant(running.enter_context(started(place, command, spark=False)), _FIRST_BATCH)
            collect(f"{_BARE}, {layout}", layouts[layout])
            layouts[layout].choose(_BARE_BATCHES, every, rows)
        agree(said, rows)
        best = min(layouts, key=lambda layout: min(layouts[layout].tried.values()))
        contestants[_BARE] = layouts[best]
        place.say(f"all agree; the best bare loop: {best}, {contestants[_BARE].batch} rows at once")
        _take_turns(place, contestants, every, few, rows)
        details = {
            "layouts": {layout: {str(b): s for b, s in tried.tried.items()} for layout, tried in layouts.items()},
            "best_layout": best,
            "contestants": {name: _details(contestant) for name, contestant in contestants.items()},
        }
        return Outcome("scoring", scale, _lines(contestants, rows), details)


def _take_turns(place: Place, contestants: dict[str, _Contestant], every: Path, few: Path, rows: int) -> None:
    for contestant in contestants.values():
        contestant.program.watch.fresh()
    for number in range(_REPEATS):
        for name, contestant in contestants.items():
            contestant.seconds.append(contestant.score(every, rows))
            contestant.few.append(contestant.score(few, _FEW))
            place.say(f"repeat {number + 1} of {_REPEATS}, {name}: {contestant.seconds[-1]:.2f} s")


def _lines(contestants: dict[str, _Contestant], rows: int) -> list[Line]:
    ours, bare = contestants[_OURS], contestants[_BARE]
    memory = {name: contestant.program.watch.peak.largest / _MIB for name, contestant in contestants.items()}
    lines = [
        Line(
            "classify's speed against the best bare loop's",
            divide(bare.whole, ours.whole),
            {_OURS: ours.whole, _BARE: bare.whole},
            rows,
            Limit(Sense.AT_LEAST, 0.9),
        )
    ]
    for name in _RIVALS:
        rival = contestants[name]
        seconds = {_OURS: ours.whole, name: rival.whole}
        lines.append(
            Line(
                f"classify's speed against {name}'s",
                divide(rival.whole, ours.whole),
                seconds,
                rows,
                Limit(Sense.ABOVE, 1),
            )
        )
    for name in (_BARE, *_RIVALS):
        rival = contestants[name]
        seconds = {_OURS: ours.further, name: rival.further}
        what = f"the same against {name}, without what {_FEW} listings cost"
        lines.append(Line(what, divide(rival.further, ours.further), seconds, rows))
    for name in _RIVALS:
        figures = {_OURS: memory[_OURS], name: memory[name]}
        what = f"the largest worker's peak memory against {name}'s"
        lines.append(Line(what, divide(memory[_OURS], memory[name]), figures, rows, unit="MiB"))
    return lines


def _details(contestant: _Contestant) -> dict[str, object]:
    peak = contestant.program.watch.peak
    return {
        "batch_rows": contestant.batch,
        "tried": {str(batch): seconds for batch, seconds in contestant.tried.items()},
        "seconds": contestant.seconds,
        "seconds_for_few": contestant.few,
        "largest_worker_mib": peak.largest / _MIB,
        "workers_together_mib": peak.together / _MIB,
    }
