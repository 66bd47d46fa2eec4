"""Compares encoding on Spark with a loop without Spark, and judging from kept vectors with judging from pictures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.methods import Method, RunningMethod, best_batch, details_of, repeat_in_turns, start_method
from benchmarks.ratios import divide
from benchmarks.results import Limit, Ratio, Relation, Result
from benchmarks.scoring import OURS as JUDGING
from benchmarks.scoring import write_listings
from benchmarks.vectors import assert_equal_vectors
from benchmarks.work_folder import WorkFolder

_REPEATS = 3
_FEW = 256
"""Enough for one task per core, so that every worker has loaded the network before it is measured."""
_OURS = Method("encode", "spark_encoding", spark=True, batches=())
_LAYOUTS = tuple(
    Method(name, "bare_encoding", spark=False, batches=(16, 32, 64)) for name in ("ahead", "beside", "tf_data")
)
_BARE = "bare loop"


def measure_encoding(work: WorkFolder, scale: float) -> Result:
    """Encode the same pictures in all ways, assert equal vectors, and compute the ratios."""
    setup = write_listings(work, scale, _FEW)
    rows, vectors = int(setup["rows"]), work.scratch / "vectors"
    vectors.mkdir()
    tried = {each.name: _try(work, each, setup, vectors) for each in (_OURS, *_LAYOUTS)}
    assert_equal_vectors({path.name: path for path in sorted(vectors.iterdir())}, rows)
    layout = min(_LAYOUTS, key=lambda each: min(tried[each.name].values()))
    work.say(f"equal vectors for {rows:,} listings; the fastest bare loop: {layout.name}")
    names = {_OURS: _OURS.name, layout: _BARE, JUDGING: JUDGING.name}
    with ExitStack() as stack:
        methods = {
            name: stack.enter_context(start_method(work, each, setup, best_batch(tried.get(each.name, {}))))
            for each, name in names.items()
        }
        repeat_in_turns(work, methods, _REPEATS)
        details = {
            "encoder": setup["encoder_identity"],
            "seconds_by_batch": tried,
            "best_layout": layout.name,
            "contestants": {name: details_of(method) for name, method in methods.items()},
        }
        return Result("encoding", scale, _ratios(methods, rows), details)


def _try(work: WorkFolder, method: Method, setup: Mapping[str, Any], vectors: Path) -> dict[int, float]:
    """Write a method's vectors of all listings to the folder `vectors`; return the seconds for a few by batch size."""
    work.say(f"{method.name}: warming up, and trying batch sizes")
    with start_method(work, method, setup, method.batches[0] if method.batches else None) as running:
        running.score(running.every, vectors / method.name)
        return running.try_batch_sizes(running.few)


def _ratios(methods: Mapping[str, RunningMethod], rows: int) -> list[Ratio]:
    ours, bare, judging = (methods[name] for name in (_OURS.name, _BARE, JUDGING.name))

    def speed(what: str, seconds: dict[str, float], limit: Limit | None = None) -> Ratio:
        return Ratio(what, divide(seconds[_BARE], seconds[_OURS.name]), seconds, rows, limit)

    def saving(what: str, encode: float, judge: float, limit: Limit | None = None) -> Ratio:
        return Ratio(what, divide(encode + judge, judge), {"encode": encode, "judge": judge}, rows, limit)

    without = f"without what {_FEW} listings take"
    return [
        speed("encode's speed against the bare loop's", {_OURS.name: ours.whole, _BARE: bare.whole}),
        speed(
            f"the same, {without}",
            {_OURS.name: ours.net, _BARE: bare.net},
            Limit(Relation.AT_LEAST, 0.95),
        ),
        saving(
            "judging from pictures against judging from kept vectors",
            ours.whole,
            judging.whole,
        ),
        saving(f"the same, {without}", ours.net, judging.net, Limit(Relation.AT_LEAST, 20)),
    ]
