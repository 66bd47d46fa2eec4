"""Compares two training ranks with one on the same cores, readers of a training set, and text classifiers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.processes import serve_command, start_program
from benchmarks.ratios import divide
from benchmarks.results import Limit, Ratio, Relation, Result
from benchmarks.work_folder import WorkFolder
from benchmarks.workspace import prepare_workspace

_TRAININGS, _READINGS = 2, 7
_RANKS = (1, 2)
_READERS = ("petastorm", "pyarrow")
_FITS = 3
_METHODS = ("ours", "scikit-learn")
_TEXT_SECONDS, _TEXT_ACCURACY = Limit(Relation.AT_MOST, 1.5), Limit(Relation.AT_LEAST, 0.99)


@dataclass(frozen=True)
class TrainingSeconds:
    """Seconds of a training run, by part.

    Attributes:
        whole: the complete run: start-up, reading, training, predicting the sample, saving.
        networks: from the end of reading to the end of the last epoch, including compilation.
        steady: all epochs except the first one of each branch, which includes compilation.
    """

    whole: float
    networks: float
    steady: float

    @staticmethod
    def of(whole: float, epochs: Sequence[Mapping[str, Any]]) -> TrainingSeconds:
        """Split a run's time by its reports: one per epoch, with `what` and `seconds` since the end of reading."""
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        for epoch in epochs:
            first.setdefault(epoch["what"], epoch["seconds"])
            last[epoch["what"]] = epoch["seconds"]
        return TrainingSeconds(whole, max(last.values()), sum(last[what] - first[what] for what in first))


def measure_training(work: WorkFolder, scale: float) -> Result:
    """Write a training set, train on it and read it repeatedly, and compute the ratios."""
    workspace = prepare_workspace(work, scale)
    folder = work.scratch / "training"
    folder.mkdir()
    runs: dict[int, list[TrainingSeconds]] = {ranks: [] for ranks in _RANKS}
    with start_program(work, serve_command("rank_training", workspace.warehouse, folder)) as program:
        setup = program.ask(ranks=0)
        for number in range(_TRAININGS):
            for ranks in _RANKS:
                answer = program.ask(ranks=ranks)
                runs[ranks].append(TrainingSeconds.of(answer["seconds"], answer["epochs"]))
                work.say(f"repeat {number + 1} of {_TRAININGS}, {ranks} rank(s): {answer['seconds']:.1f} s")
    rows = int(setup["dataset"]["rows"])
    readings: dict[str, list[float]] = {reader: [] for reader in _READERS}
    with start_program(work, serve_command("dataset_reading", json.dumps(setup)), spark=False) as program:
        program.ask(reader=None)
        for _ in range(_READINGS):
            for reader in _READERS:
                readings[reader].append(float(program.ask(reader=reader)["seconds"]))
    work.say(f"read {rows:,} rows {_READINGS} times with both readers")
    fits: dict[str, list[dict[str, Any]]] = {method: [] for method in _METHODS}
    with start_program(work, serve_command("text_fit", json.dumps(setup)), spark=False) as program:
        for _ in range(_FITS):
            for method in _METHODS:
                fits[method].append(program.ask(method=method))
    work.say(f"fitted text classifiers on {rows:,} rows {_FITS} times with both methods")
    details = {
        "fits": fits,
        "setup": {"plan": setup["plan"], "pictures": setup["pictures"]},
        "runs": {str(ranks): [vars(run) for run in of] for ranks, of in runs.items()},
        "readings": readings,
    }
    ratios = [*_rank_ratios(runs, rows), _reading_ratio(readings, rows), *_text_ratios(fits, rows)]
    return Result("training", scale, ratios, details)


def _rank_ratios(runs: Mapping[int, Sequence[TrainingSeconds]], rows: int) -> list[Ratio]:
    """Rows per second with two ranks against one, for several parts of the run."""
    parts = {
        "all of training": "whole",
        "training the networks": "networks",
        "training the networks, each branch's first epoch left out": "steady",
    }
    ratios = []
    for what, name in parts.items():
        one, two = (median(getattr(run, name) for run in runs[ranks]) for ranks in _RANKS)
        ratios.append(Ratio(f"two ranks' speed against one's: {what}", divide(one, two), {"1": one, "2": two}, rows))
    return ratios


def _reading_ratio(readings: Mapping[str, Sequence[float]], rows: int) -> Ratio:
    seconds = {reader: median(readings[reader]) for reader in _READERS}
    what = "Petastorm's speed against pyarrow's, reading the training set into memory maps"
    return Ratio(what, divide(seconds["pyarrow"], seconds["petastorm"]), seconds, rows)


def _text_ratios(fits: Mapping[str, Sequence[Mapping[str, Any]]], rows: int) -> list[Ratio]:
    """Seconds and accuracy of all our text members, against one of scikit-learn's classifiers on the same features."""
    ratios = []
    for what, unit, limit in (("seconds", "s", _TEXT_SECONDS), ("accuracy", "", _TEXT_ACCURACY)):
        figures = {method: median(fit[what] for fit in fits[method]) for method in _METHODS}
        name = f"{what} of all text members against one LogisticRegression of scikit-learn on the same features"
        ratios.append(Ratio(name, divide(figures["ours"], figures["scikit-learn"]), figures, rows, limit, unit))
    return ratios
