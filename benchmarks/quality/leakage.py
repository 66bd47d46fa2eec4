"""Measures label leakage in the second pass: a listing's own label affects the soft labels that other members learn.

Two passes are compared with one pass and with nested folds, which prevent leakage; by the truth, and by canaries, which
need no truth: labels that are made wrong before training (`training.canaries`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.quality.catalogue import Catalogue, sample
from benchmarks.quality.our_method import OurMethod
from benchmarks.quality.stages import is_current
from training.canaries import are_canaries, wrong_labels

Row = tuple[str, float, float, float]
"""Name; accuracy of the classifier, error of the best guess, share of canaries that are corrected."""

_ROWS = 6000
_CANARIES = 0.05
"""More than training uses, so that differences between the passes are visible."""


def measure_leakage(whole: Catalogue, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """Compare the passes on a sample; the arguments are those of `measure_full_catalogue`."""
    marker = work / "leak.json"
    if not is_current(marker, origin):
        say("label leakage in the second pass")
        marker.write_text(
            json.dumps({"origin": origin, "rows": compare_passes(sample(whole, _ROWS, _random()))}), "utf-8"
        )
    return [tuple(row) for row in json.loads(marker.read_text(encoding="utf-8"))["rows"]]


def compare_passes(catalogue: Catalogue) -> list[Row]:
    """Clean labels with canaries by one pass, two passes and two passes with nested folds."""
    keys = _random().integers(0, 2**62, len(catalogue))
    canary = are_canaries(keys, _CANARIES)
    labels = catalogue.labels.copy()
    labels[canary] = wrong_labels(keys[canary], catalogue.labels[canary], catalogue.distances)
    method = OurMethod(catalogue, labels)
    methods = {
        "one pass": lambda: method.clean(passes=1),
        "two passes": method.clean,
        "two passes, nested folds": method.clean_nested,
    }
    rows = []
    for what, clean in methods.items():
        result = clean()
        right, best = result.classifier.argmax(axis=1) == catalogue.truth, result.posterior.argmax(axis=1)
        corrected = best[canary] == catalogue.labels[canary]
        rows.append((what, float(right.mean()), float((best != catalogue.truth).mean()), float(corrected.mean())))
    return rows


def _random() -> np.random.Generator:
    return np.random.default_rng(17)
