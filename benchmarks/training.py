"""Training with two ranks against one on the same cores, and reading the training set with and without Petastorm."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.place import Place
from benchmarks.processes import serve_command, started
from benchmarks.ratios import divide
from benchmarks.results import Line, Outcome
from benchmarks.workspace import prepare_workspace

_TRAININGS, _READINGS = 2, 7
_RANKS = (1, 2)
_WAYS = ("petastorm", "pyarrow")


@dataclass(frozen=True)
class TrainingSeconds:
    """Where the time of a training run went, in seconds.

    Attributes:
        whole: from the call to the ranks' end: start-up, reading, training, judging the sample, saving.
        networks: until the last epoch's end, once the rows are read; compiling the networks is part of it.
        steady: the epochs after each branch's first, which compiles.
    """

    whole: float
    networks: float
    steady: float

    @staticmethod
    def of(whole: float, epochs: Sequence[Mapping[str, Any]]) -> TrainingSeconds:
        """Sort out a run's time by its reports, one an epoch in order: `what` and `seconds` since the rows are read."""
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        for epoch in epochs:
            first.setdefault(epoch["what"], epoch["seconds"])
            last[epoch["what"]] = epoch["seconds"]
        return TrainingSeconds(whole, max(last.values()), sum(last[what] - first[what] for what in first))


def measure_training(place: Place, scale: float) -> Outcome:
    """Write a training set, train on it and read it, in turns, and work out the ratios."""
    workspace = prepare_workspace(place, scale)
    folder = place.scratch / "training"
    folder.mkdir()
    runs: dict[int, list[TrainingSeconds]] = {ranks: [] for ranks in _RANKS}
    with started(place, serve_command("ranks_contestant", workspace.warehouse, folder)) as program:
        setup = program.ask(ranks=0)
        for number in range(_TRAININGS):
            for ranks in _RANKS:
                answer = program.ask(ranks=ranks)
                runs[ranks].append(TrainingSeconds.of(answer["seconds"], answer["epochs"]))
                place.say(f"repeat {number + 1} of {_TRAININGS}, {ranks} rank(s): {answer['seconds']:.1f} s")
    rows = int(setup["dataset"]["rows"])
    readings: dict[str, list[float]] = {way: [] for way in _WAYS}
    with started(place, serve_command("reading_contestant", json.dumps(setup)), spark=False) as program:
        program.ask(way=None)
        for _ in range(_READINGS):
            for way in _WAYS:
                readings[way].append(float(program.ask(way=way)["seconds"]))
    place.say(f"read {rows:,} rows {_READINGS} times in both ways")
    details = {
        "setup": {"plan": setup["plan"], "pictures": setup["pictures"]},
        "runs": {str(ranks): [vars(run) for run in of] for ranks, of in runs.items()},
        "readings": readings,
    }
    return Outcome("training", scale, [*_rank_lines(runs, rows), _reading_line(readings, rows)], details)


def _rank_lines(runs: Mapping[int, Sequence[TrainingSeconds]], rows: int) -> list[Line]:
    """Rows a second with two ranks against one, by what is counted."""
    counted = {
        "all of training": "whole",
        "training the networks": "networks",
        "training the networks, each branch's first epoch left out": "steady",
    }
    lines = []
    for what, name in counted.items():
        one, two = (median(getattr(run, name) for run in runs[ranks]) for ranks in _RANKS)
        lines.append(Line(f"two ranks' speed against one's: {what}", divide(one, two), {"1": one, "2": two}, rows))
    return lines


def _reading_line(readings: Mapping[str, Sequence[float]], rows: int) -> Line:
    seconds = {way: median(readings[way]) for way in _WAYS}
    what = "Petastorm's speed against pyarrow's, reading the training set into memory maps"
    return Line(what, divide(seconds["pyarrow"], seconds["petastorm"]), seconds, rows)
