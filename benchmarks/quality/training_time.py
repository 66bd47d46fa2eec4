"""Quality against training time: other numbers of text members, of passes and of picture epochs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.our_method import OurMethod
from benchmarks.quality.picture_vectors import keep_vectors
from benchmarks.quality.stages import is_current

Row = tuple[str, float, float, float]
"""Name; seconds of training; accuracy of the classifier alone; error of the best guess."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "texts, 3 members": ("train.text_members=3",),
    "texts, 6 members (the default)": (),
    "texts, 9 members": ("train.text_members=9",),
}
_PICTURES: dict[str, tuple[str, ...]] = {
    "texts and pictures, 4 epochs": ("train.image_epochs=4",),
    "texts and pictures (the default)": (),
    "texts and pictures, 60 epochs": ("train.image_epochs=60",),
}


def measure_training_time(folder: Path, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """Train on the whole catalogue with other settings than the defaults, in this process.

    The time does not include encoding. The arguments are those of
    `benchmarks.quality.full_catalogue.measure_full_catalogue`.
    """
    marker = work / "minutes.json"
    if not is_current(marker, origin):
        texts, pictured = read_catalogue(folder), read_catalogue(folder, keep_vectors(folder, work, say))
        rows: list[Row] = []
        for what, overrides in _TEXTS.items():
            rows += _train(texts, what, overrides, (1, 2), say)
        for what, overrides in _PICTURES.items():
            rows += _train(pictured, what, overrides, (2,), say)
        marker.write_text(json.dumps({"origin": origin, "rows": rows}), encoding="utf-8")
    return [tuple(row) for row in json.loads(marker.read_text(encoding="utf-8"))["rows"]]


def _train(
    catalogue: Catalogue, what: str, overrides: tuple[str, ...], passes: tuple[int, ...], say: Callable[[str], None]
) -> list[Row]:
    """Train and clean, and measure after each number of passes."""
    rows, started = [], time.monotonic()
    method = OurMethod(catalogue, catalogue.labels, *overrides)
    for count in passes:
        result = method.clean(passes=count)
        seconds = time.monotonic() - started
        classifier, best = (
            float((each.argmax(axis=1) == catalogue.truth).mean()) for each in (result.classifier, result.posterior)
        )
        name = what if len(passes) == 1 else f"{what}, {'one pass' if count == 1 else 'two passes'}"
        rows.append((name, seconds, classifier, 1.0 - best))
        say(f"{name}: {seconds:.0f} s, {classifier:.4f} right, best guess leaves {1.0 - best:.4f}")
    return rows
