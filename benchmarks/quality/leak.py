"""What of the second pass's gain is real: a listing's own label comes back to it through what the others were taught.

Held against one pass, and against nested folds, in which nothing comes back; by the truth, and by canaries, which show
it without any: labels that are made wrong before anything is learnt (`training.canaries`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.quality.catalogue import Catalogue, some
from benchmarks.quality.ours import Ours
from benchmarks.quality.stages import is_of
from training.canaries import are_canaries, wrong_labels

Row = tuple[str, float, float, float]
"""Which pass; shares that the classifier has right, that the best guess leaves wrong, and of the canaries undone."""

_ROWS = 6000
_CANARIES = 0.05
"""More than training plants, so that the passes can be told apart."""


def measure_leak(whole: Catalogue, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """One pass, two, and two with nested folds on the same listings; arguments as for `measure_whole`."""
    mark = work / "leak.json"
    if not is_of(mark, origin):
        say("what comes back to the second pass")
        mark.write_text(json.dumps({"origin": origin, "rows": compare_passes(some(whole, _ROWS, _random()))}), "utf-8")
    return [tuple(row) for row in json.loads(mark.read_text(encoding="utf-8"))["rows"]]


def compare_passes(catalogue: Catalogue) -> list[Row]:
    """Plant canaries, and clean by each way."""
    keys = _random().integers(0, 2**62, len(catalogue))
    planted = are_canaries(keys, _CANARIES)
    labels = catalogue.labels.copy()
    labels[planted] = wrong_labels(keys[planted], catalogue.labels[planted], catalogue.distances)
    product = Ours(catalogue, labels)
    ways = {
        "one pass": lambda: product.clean(passes=1),
        "two passes": product.clean,
        "two passes, nested folds": product.clean_nested,
    }
    rows = []
    for what, clean in ways.items():
        judged = clean()
        right, best = judged.classifier.argmax(axis=1) == catalogue.truth, judged.belief.argmax(axis=1)
        undone = best[planted] == catalogue.labels[planted]
        rows.append((what, float(right.mean()), float((best != catalogue.truth).mean()), float(undone.mean())))
    return rows


def _random() -> np.random.Generator:
    return np.random.default_rng(17)
