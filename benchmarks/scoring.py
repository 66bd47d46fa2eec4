"""classify on Spark against a bare loop and two other ways to score on Spark: the same work, in turns."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.contestants import Contestant, Way, running
from benchmarks.place import Place
from benchmarks.processes import serve_command, started
from benchmarks.ratios import divide
from benchmarks.results import Limit, Line, Outcome, Sense
from benchmarks.verdicts import agree
from benchmarks.workspace import prepare_workspace

_REPEATS = 5
_FEW = 32
_USUAL_BATCH = 256
_OURS = Way("classify", spark=True, batches=())
_RIVALS = tuple(Way(name, spark=True, batches=(128, 256, 1024)) for name in ("predict_batch_udf", "spark_udf"))
_LAYOUTS = tuple(Way(name, spark=False, batches=(64, 128, 256, 512, 1024)) for name in ("ahead", "beside", "tf_data"))
_BARE = "bare loop"
_MIB = 2**20


def measure_scoring(place: Place, scale: float) -> Outcome:
    """Let all contestants score the same listings, assert that they agree, and work out the ratios."""
    setup = _write_listings(place, scale)
    rows, said = int(setup["rows"]), place.scratch / "said"
    said.mkdir()
    tried = {way.name: _try(place, way, setup, said) for way in (_OURS, *_RIVALS, *_LAYOUTS)}
    agree({path.name: path for path in sorted(said.iterdir())}, rows)
    layout = min(_LAYOUTS, key=lambda way: min(tried[way.name].values()))
    place.say(f"all agree on {rows:,} listings; the best bare loop: {layout.name}")
    names = {_OURS: _OURS.name, **{way: way.name for way in _RIVALS}, layout: _BARE}
    with ExitStack() as contest:
        contestants = {
            name: contest.enter_context(running(place, way, setup, _best(tried[way.name])))
            for way, name in names.items()
        }
        _take_turns(place, contestants)
        details = {
            "seconds_by_batch": tried,
            "best_layout": layout.name,
            "contestants": {name: _details(contestant) for name, contestant in contestants.items()},
        }
        return Outcome("scoring", scale, _lines(contestants, rows), details)


def _write_listings(place: Place, scale: float) -> dict[str, Any]:
    """What all contestants are told: the listings' folders and number, and the registered model."""
    workspace = prepare_workspace(place, scale)
    folders = {name: str(place.scratch / name) for name in ("every", "few")}
    with started(place, serve_command("scoring_files", workspace.warehouse)) as program:
        return program.ask(**folders, few_rows=_FEW) | folders


def _try(place: Place, way: Way, setup: Mapping[str, Any], said: Path) -> dict[int, float]:
    """Keep what a way says of all listings below `said`; the seconds of its batch sizes.

    In a process that ends then: networks that were loaded for other batch sizes would count as memory.
    """
    place.say(f"{way.name}: warming up, and trying batch sizes")
    with running(place, way, setup, _USUAL_BATCH if way.batches else None) as contestant:
        contestant.score(contestant.every, said / way.name)
        return contestant.choose()


def _best(tried: Mapping[int, float]) -> int | None:
    return min(tried, key=tried.__getitem__) if tried else None


def _take_turns(place: Place, contestants: Mapping[str, Contestant]) -> None:
    for contestant in contestants.values():
        contestant.score(contestant.every)
    for number in range(_REPEATS):
        for name, contestant in contestants.items():
            contestant.repeat()
            place.say(f"repeat {number + 1} of {_REPEATS}, {name}: {contestant.seconds[-1]:.2f} s")


def _lines(contestants: Mapping[str, Contestant], rows: int) -> list[Line]:
    ours, rivals = contestants[_OURS.name], [way.name for way in _RIVALS]
    limits = {_BARE: Limit(Sense.AT_LEAST, 0.9), **dict.fromkeys(rivals, Limit(Sense.ABOVE, 1))}
    lines = []
    for name in (_BARE, *rivals):
        seconds = {_OURS.name: ours.whole, name: contestants[name].whole}
        what = f"classify's speed against {name}'s"
        lines.append(Line(what, divide(seconds[name], ours.whole), seconds, rows, limits[name]))
    for name in (_BARE, *rivals):
        seconds = {_OURS.name: ours.further, name: contestants[name].further}
        what = f"the same against {name}'s, without what {_FEW} listings take"
        lines.append(Line(what, divide(seconds[name], ours.further), seconds, rows))
    for name in rivals:
        memory = {which: contestants[which].program.watch.peak.largest / _MIB for which in (_OURS.name, name)}
        what = f"classify's largest worker, peak memory against {name}'s"
        lines.append(Line(what, divide(memory[_OURS.name], memory[name]), memory, rows, unit="MiB"))
    return lines


def _details(contestant: Contestant) -> dict[str, object]:
    return {
        "way": asdict(contestant.way),
        "batch_rows": contestant.batch,
        "seconds": contestant.seconds,
        "seconds_for_few": contestant.few_seconds,
        "largest_worker_mib": contestant.program.watch.peak.largest / _MIB,
        "workers_together_mib": contestant.program.watch.peak.together / _MIB,
    }
