"""Quality against training time: other numbers of members, passes and picture epochs, and another picture size."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.our_method import OurMethod
from benchmarks.quality.stages import is_current, read_cleaned, run_pipeline

Row = tuple[str, float, float, float]
"""Name; seconds of training; accuracy of the classifier alone; error of the best guess."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "texts, 3 members": ("train.text_members=3",),
    "texts, 6 members (the default)": (),
    "texts, 9 members": ("train.text_members=9",),
}
_PICTURES = {
    "pictures, 4 epochs": ("train.image_epochs=4",),
    "pictures of 32 x 24": ("picture.height=32", "picture.width=24"),
}
"""With the default settings for texts."""


def measure_training_time(folder: Path, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """Train with other settings than the defaults; the arguments are those of `measure_full_catalogue`."""
    catalogue = read_catalogue(folder)
    rows = []
    for what, overrides in _TEXTS.items():
        rows += _texts(catalogue, what, overrides, work, origin, say)
    return rows + [_pictures(folder, what, overrides, work, origin, say) for what, overrides in _PICTURES.items()]


def _texts(
    catalogue: Catalogue, what: str, overrides: tuple[str, ...], work: Path, origin: str, say: Callable[[str], None]
) -> list[Row]:
    """Train on texts alone, in this process, with one pass and with two."""
    marker = work / f"{_name(what)}.json"
    if not is_current(marker, origin):
        say(f"the whole catalogue: {what}")
        rows, started = [], time.monotonic()
        method = OurMethod(catalogue, catalogue.labels, *overrides)
        for passes, name in ((1, "one pass"), (2, "two passes")):
            result = method.clean(passes=passes)
            seconds = time.monotonic() - started
            right = [
                float((each.argmax(axis=1) == catalogue.truth).mean()) for each in (result.classifier, result.posterior)
            ]
            rows.append((f"{what}, {name}", seconds, right[0], 1.0 - right[1]))
        marker.write_text(json.dumps({"origin": origin, "rows": rows}), encoding="utf-8")
    return [tuple(row) for row in json.loads(marker.read_text(encoding="utf-8"))["rows"]]


def _pictures(
    folder: Path, what: str, overrides: tuple[str, ...], work: Path, origin: str, say: Callable[[str], None]
) -> Row:
    """Train on texts and pictures with the product's commands."""
    warehouse = work / _name(what)
    seconds = run_pipeline(folder, warehouse, origin, say, overrides)["train"]
    listings = read_cleaned(warehouse, folder)
    right = float((listings["predicted_category"] == listings["truth"]).mean())
    return f"texts, and {what}", seconds, right, float((listings["best_category"] != listings["truth"]).mean())


def _name(what: str) -> str:
    return "minutes-" + "".join(letter if letter.isalnum() else "-" for letter in what)
