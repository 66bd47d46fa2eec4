"""Compares classify on Spark with a loop without Spark and with two other methods to score on Spark."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.methods import MIB, Method, RunningMethod, best_batch, details_of, repeat_in_turns, start_method
from benchmarks.predictions import assert_equal_predictions
from benchmarks.processes import serve_command, start_program
from benchmarks.ratios import divide
from benchmarks.results import Limit, Ratio, Relation, Result
from benchmarks.work_folder import WorkFolder
from benchmarks.workspace import prepare_workspace

_REPEATS = 5
_FEW = 32
_WARM_UP_BATCH = 256
OURS = Method("classify", "spark_scoring", spark=True, batches=())
_ALTERNATIVES = tuple(
    Method(name, "spark_scoring", spark=True, batches=(128, 256, 1024)) for name in ("predict_batch_udf", "spark_udf")
)
_LAYOUTS = tuple(
    Method(name, "bare_loop", spark=False, batches=(64, 128, 256, 512, 1024)) for name in ("ahead", "beside", "tf_data")
)
_BARE = "bare loop"


def measure_scoring(work: WorkFolder, scale: float) -> Result:
    """Score the same listings with all methods, assert equal predictions, and compute the ratios."""
    setup = write_listings(work, scale, _FEW)
    rows, predictions = int(setup["rows"]), work.scratch / "predictions"
    predictions.mkdir()
    tried = {each.name: _try(work, each, setup, predictions) for each in (OURS, *_ALTERNATIVES, *_LAYOUTS)}
    assert_equal_predictions({path.name: path for path in sorted(predictions.iterdir())}, rows)
    layout = min(_LAYOUTS, key=lambda each: min(tried[each.name].values()))
    work.say(f"equal predictions for {rows:,} listings; the fastest bare loop: {layout.name}")
    names = {OURS: OURS.name, **{each: each.name for each in _ALTERNATIVES}, layout: _BARE}
    with ExitStack() as stack:
        methods = {
            name: stack.enter_context(start_method(work, each, setup, best_batch(tried[each.name])))
            for each, name in names.items()
        }
        repeat_in_turns(work, methods, _REPEATS)
        details = {
            "seconds_by_batch": tried,
            "best_layout": layout.name,
            "contestants": {name: details_of(method) for name, method in methods.items()},
        }
        return Result("scoring", scale, _ratios(methods, rows), details)


def write_listings(work: WorkFolder, scale: float, few: int) -> dict[str, Any]:
    """Write all listings and a few of them; return their folders and number and the registered model, for all methods.

    Args:
        work, scale: as for `measure_scoring`.
        few: number of listings in the smaller folder.
    """
    workspace = prepare_workspace(work, scale)
    folders = {name: str(work.scratch / name) for name in ("every", "few")}
    with start_program(work, serve_command("scoring_files", workspace.warehouse)) as program:
        return program.ask(**folders, few_rows=few) | folders


def _try(work: WorkFolder, method: Method, setup: Mapping[str, Any], predictions: Path) -> dict[int, float]:
    """Write a method's predictions for all listings to the folder `predictions`; return the seconds by batch size.

    This runs in a separate process: networks loaded for other batch sizes would count as memory in the comparison.
    """
    work.say(f"{method.name}: warming up, and trying batch sizes")
    with start_method(work, method, setup, _WARM_UP_BATCH if method.batches else None) as running:
        running.score(running.every, predictions / method.name)
        return running.try_batch_sizes(running.every)


def _ratios(methods: Mapping[str, RunningMethod], rows: int) -> list[Ratio]:
    ours, alternatives = methods[OURS.name], [each.name for each in _ALTERNATIVES]
    limits = {_BARE: Limit(Relation.AT_LEAST, 0.9), **dict.fromkeys(alternatives, Limit(Relation.ABOVE, 1))}
    ratios = []
    for name in (_BARE, *alternatives):
        seconds = {OURS.name: ours.whole, name: methods[name].whole}
        what = f"classify's speed against {name}'s"
        ratios.append(Ratio(what, divide(seconds[name], ours.whole), seconds, rows, limits[name]))
    for name in (_BARE, *alternatives):
        seconds = {OURS.name: ours.net, name: methods[name].net}
        what = f"the same against {name}'s, without what {_FEW} listings take"
        ratios.append(Ratio(what, divide(seconds[name], ours.net), seconds, rows))
    for name in alternatives:
        memory = {which: methods[which].program.monitor.peak.largest / MIB for which in (OURS.name, name)}
        what = f"classify's largest worker, peak memory against {name}'s"
        ratios.append(Ratio(what, divide(memory[OURS.name], memory[name]), memory, rows, unit="MiB"))
    return ratios
