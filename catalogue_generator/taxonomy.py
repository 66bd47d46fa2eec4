"""The taxonomy: departments > parents > categories, of any size.

Up to 120 categories are the curated goods themselves. Beyond that each good becomes a parent, and its materials
and styles the categories: "Leather Sneakers", "Striped Sneakers", then "Striped Leather Sneakers".
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue_generator import goods_household as household
from catalogue_generator import goods_worn as worn
from catalogue_generator.modifiers import HARD_MATERIALS, SOFT_MATERIALS, STYLES, Modifier
from catalogue_generator.shelf import Good, Shelf

Words = tuple[tuple[str, ...], tuple[str, ...]]
"""English and French."""

# In the order in which small taxonomies take them: siblings and neighbours in a department come early.
SHELVES: tuple[Shelf, ...] = (
    worn.SHOES,
    worn.TOPS,
    worn.BAGS,
    worn.BOOTS,
    worn.BOTTOMS,
    worn.JEWELLERY,
    household.SEATING,
    household.DRINKWARE,
    household.LIGHTING,
    household.COOKWARE,
    worn.UNDERWEAR,
    worn.FRAGRANCE,
    household.DEVICES,
    household.BALLS,
    worn.MAKEUP,
    household.AUDIO,
    household.TOY_VEHICLES,
    household.HAND_TOOLS,
    household.STORAGE,
    household.APPLIANCES,
    worn.OUTERWEAR,
    worn.OPEN_SHOES,
    worn.HEADWEAR,
    household.RACKETS,
    household.UTENSILS,
    household.IMAGING,
    worn.SKIN_CARE,
    household.FITNESS,
    household.SOFT_TOYS,
    household.GARDEN_TOOLS,
)
GOODS: tuple[tuple[Shelf, Good], ...] = tuple((shelf, good) for shelf in SHELVES for good in shelf.goods)

_SOFT = frozenset({"Footwear", "Clothing", "Accessories"})
_VARIANTS = len(SOFT_MATERIALS) + len(STYLES) + len(SOFT_MATERIALS) * len(STYLES)
MOST_CATEGORIES = len(GOODS) * _VARIANTS


@dataclass(frozen=True)
class Category:
    """A leaf of the taxonomy, with what its listings are written and drawn from.

    Attributes:
        code: its id, a slug.
        label: its name for people.
        parent: the group of siblings that it belongs to.
        department: the top of the tree.
        sensitive: only people may move a listing into it or out of it.
        nouns: its names.
        generic: names that fit its siblings too.
        hints: words that suggest it.
        price: the median price in euros.
        colours: letters of `vocabulary.COLOURS`, the commonest first.
        good: label of the good that its pictures show.
        modifiers: how they show it; none: as it comes.
    """

    code: str
    label: str
    parent: str
    department: str
    sensitive: bool
    nouns: Words
    generic: Words
    hints: Words
    price: float
    colours: str
    good: str
    modifiers: tuple[Modifier, ...] = ()


def build_taxonomy(count: int) -> tuple[Category, ...]:
    """Make `count` categories, 2 to `MOST_CATEGORIES`; siblings stand together."""
    each, more = divmod(count, len(GOODS))
    categories: list[Category] = []
    for position, (shelf, good) in enumerate(GOODS):
        wanted = each + (position < more)
        if wanted == 1:
            categories.append(_plain(shelf, good))
        elif wanted > 1:
            categories += (_variant(shelf, good, chosen) for chosen in itertools.islice(_modifiers(shelf), wanted))
    return tuple(categories)


def write_taxonomy(path: Path, categories: Sequence[Category]) -> None:
    """Write taxonomy.csv: category, label, parent, department, sensitive, in the order of the codes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("category", "label", "parent", "department", "sensitive"))
        for category in sorted(categories, key=lambda c: c.code):
            writer.writerow((category.code, category.label, category.parent, category.department, category.sensitive))


def _plain(shelf: Shelf, good: Good) -> Category:
    return Category(
        code=_slug(good.label),
        label=good.label,
        parent=shelf.label,
        department=shelf.department,
        sensitive=good.sensitive,
        nouns=good.nouns,
        generic=shelf.generic,
        hints=good.hints,
        price=good.price,
        colours=good.colours,
        good=good.label,
    )


def _variant(shelf: Shelf, good: Good, modifiers: tuple[Modifier, ...]) -> Category:
    label = " ".join((*(modifier.label for modifier in modifiers), good.label))
    names = [[modifier.words[language][0] for modifier in modifiers] for language in (0, 1)]
    english, french = good.nouns
    return Category(
        code=_slug(label),
        label=label,
        parent=good.label,
        department=shelf.department,
        sensitive=good.sensitive,
        nouns=(
            tuple(" ".join((*names[0], noun)) for noun in english),
            tuple(" ".join((noun, *reversed(names[1]))) for noun in french),
        ),
        generic=good.nouns,
        hints=(
            tuple(modifier.words[0][1] for modifier in modifiers),
            tuple(modifier.words[1][1] for modifier in modifiers),
        ),
        price=good.price,
        colours="".join(modifier.colours for modifier in modifiers) + good.colours[:2],
        good=good.label,
        modifiers=modifiers,
    )


def _modifiers(shelf: Shelf) -> Iterator[tuple[Modifier, ...]]:
    materials = SOFT_MATERIALS if shelf.department in _SOFT else HARD_MATERIALS
    for row in zip(materials, STYLES[::3], STYLES[1::3], STYLES[2::3], strict=True):
        yield from ((modifier,) for modifier in row)
    yield from itertools.product(STYLES, materials)


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
