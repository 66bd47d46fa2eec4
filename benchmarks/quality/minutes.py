"""What each minute of training buys: members, passes, picture epochs and sizes other than the default ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.ours import Ours
from benchmarks.quality.stages import clean_whole, is_of, read_cleaned

Row = tuple[str, float, float, float]
"""What is taught; seconds; share that the classifier alone has right, and that the best guess has wrong."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "texts, 3 members": ("train.text_members=3",),
    "texts, 6 members (the default)": (),
    "texts, 9 members": ("train.text_members=9",),
}
_PICTURES = {
    "pictures, 4 epochs": ("train.image_epochs=4",),
    "pictures of 32 x 24": ("picture.height=32", "picture.width=24"),
}
"""Beside the default texts."""


def measure_minutes(folder: Path, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """Train with other settings than the default ones; arguments as for `benchmarks.quality.whole.measure_whole`."""
    catalogue = read_catalogue(folder)
    rows = []
    for what, overrides in _TEXTS.items():
        rows += _texts(catalogue, what, overrides, work, origin, say)
    return rows + [_pictures(folder, what, overrides, work, origin, say) for what, overrides in _PICTURES.items()]


def _texts(
    catalogue: Catalogue, what: str, overrides: tuple[str, ...], work: Path, origin: str, say: Callable[[str], None]
) -> list[Row]:
    """Texts alone, in this process, by one pass and by two."""
    mark = work / f"{_name(what)}.json"
    if not is_of(mark, origin):
        say(f"the whole catalogue: {what}")
        rows, begun = [], time.monotonic()
        product = Ours(catalogue, catalogue.labels, *overrides)
        for passes, said in ((1, "one pass"), (2, "two passes")):
            judged = product.clean(passes=passes)
            seconds = time.monotonic() - begun
            right = [
                float((each.argmax(axis=1) == catalogue.truth).mean()) for each in (judged.classifier, judged.belief)
            ]
            rows.append((f"{what}, {said}", seconds, right[0], 1.0 - right[1]))
        mark.write_text(json.dumps({"origin": origin, "rows": rows}), encoding="utf-8")
    return [tuple(row) for row in json.loads(mark.read_text(encoding="utf-8"))["rows"]]


def _pictures(
    folder: Path, what: str, overrides: tuple[str, ...], work: Path, origin: str, say: Callable[[str], None]
) -> Row:
    """Texts and pictures, through the product's commands."""
    warehouse = work / _name(what)
    seconds = clean_whole(folder, warehouse, origin, say, overrides)["train"]
    listings = read_cleaned(warehouse, folder)
    right = float((listings["predicted_category"] == listings["truth"]).mean())
    return f"texts, and {what}", seconds, right, float((listings["best_category"] != listings["truth"]).mean())


def _name(what: str) -> str:
    return "minutes-" + "".join(letter if letter.isalnum() else "-" for letter in what)
