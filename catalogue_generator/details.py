"""What listings state besides the category: their condition, shown by wear in words and pictures, and their colour."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from catalogue_generator.vocabulary import Bilingual
from schemas.arrays import Ints

NEW, GOOD, WORN = "new", "good", "worn"
CONDITIONS = (NEW, GOOD, WORN)
_SHARES = (0.8, 0.1, 0.1)
_STATED_SHARE = 0.9
"""Share of the listings that state their condition, and of those that state their colour."""
_OVERSTATED_SHARE = 0.1
"""Share of the used listings whose sellers state that they are new."""
_SAID_SHARE = 0.7
"""Share of the used listings whose descriptions speak of their wear."""

_SENTENCES: dict[str, Bilingual] = {
    GOOD: (
        ("Lightly used.", "Worn a few times.", "Second hand, well kept.", "Small signs of use."),
        ("Peu utilisé.", "Porté quelques fois.", "Occasion, bien entretenu.", "Légères traces d'usage."),
    ),
    WORN: (
        ("Scratches on one side.", "Some stains remain.", "Visible wear.", "Heavily used, still works."),
        ("Rayures sur un côté.", "Quelques taches.", "Usure visible.", "Très utilisé, fonctionne encore."),
    ),
}
_MARKS = {GOOD: 1, WORN: 5}
_QUALITY = 82


@dataclass(frozen=True)
class Details:
    """What the n listings of a block state; lists of length n.

    Attributes:
        conditions: one of `CONDITIONS`; None where the seller states none.
        colours: the colour's name; None where the seller states none.
        contradicted: the rows that state a condition that is not theirs.
    """

    conditions: list[str | None]
    colours: list[str | None]
    contradicted: Ints


def add_details(
    rng: np.random.Generator,
    original: Ints,
    colours: list[str],
    languages: Ints,
    descriptions: list[str | None],
    images: list[bytes | None],
) -> Details:
    """Draw what listings state, and wear the used ones in their descriptions and pictures.

    Args:
        rng: draws everything, so that no other draw changes.
        original: shape (n,), the row of which a listing is a duplicate, or its own: both have the same condition.
        colours: n names.
        languages: shape (n,), index into `Bilingual`.
        descriptions: n texts, to which sentences are added.
        images: n pictures, to which marks are added; None where there is none.
    """
    n = len(original)
    condition = rng.choice(len(CONDITIONS), size=n, p=_SHARES)[original]
    said, sentence, seeds = rng.random(n)[original], rng.random(n)[original], rng.integers(2**31, size=n)[original]
    states_condition, states_colour, overstated = (rng.random(n) for _ in range(3))
    details = Details([None] * n, [None] * n, np.flatnonzero((condition > 0) & (overstated < _OVERSTATED_SHARE)))
    for row in range(n):
        name = CONDITIONS[condition[row]]
        if states_condition[row] < _STATED_SHARE or overstated[row] < _OVERSTATED_SHARE:
            details.conditions[row] = NEW if overstated[row] < _OVERSTATED_SHARE else name
        if states_colour[row] < _STATED_SHARE:
            details.colours[row] = colours[row]
        if name == NEW:
            continue
        if said[row] < _SAID_SHARE:
            words = _SENTENCES[name][languages[row]]
            descriptions[row] = " ".join(filter(None, (descriptions[row], words[int(sentence[row] * len(words))])))
        picture = images[row]
        if picture is not None:
            images[row] = add_marks(picture, _MARKS[name], int(seeds[row]))
    return details


def add_marks(picture: bytes, marks: int, seed: int) -> bytes:
    """Draw scratches and stains into a JPEG."""
    rng = np.random.default_rng(seed)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    pen = ImageDraw.Draw(image)
    size = np.array(image.size)
    for mark in range(marks):
        start = (0.25 + 0.5 * rng.random(2)) * size
        end = start + (rng.random(2) - 0.5) * 0.5 * size
        tone = int(rng.choice([30, 235]))
        if mark % 3 == 2:
            radius = 0.03 * size[0] * (1 + rng.random())
            pen.ellipse([*(start - radius), *(start + radius)], fill=(96, 78, 52))
        else:
            pen.line([*start, *end], fill=(tone, tone, tone), width=1)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
