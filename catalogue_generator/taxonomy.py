"""Builds a taxonomy of any size: departments > parents > categories.

Up to 120 categories, the categories are the curated product types. Above that, each product type becomes a parent, and
its materials and styles the categories: "Leather Sneakers", "Striped Sneakers", then "Striped Leather Sneakers".
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue_generator import products_fashion as worn
from catalogue_generator import products_household as household
from catalogue_generator.modifiers import HARD_MATERIALS, SOFT_MATERIALS, STYLES, Modifier
from catalogue_generator.product_types import ProductGroup, ProductType

Words = tuple[tuple[str, ...], tuple[str, ...]]
"""English and French."""

# Small taxonomies take the first ones, so that siblings and categories of the same department come early.
PRODUCT_GROUPS: tuple[ProductGroup, ...] = (
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
PRODUCT_TYPES: tuple[tuple[ProductGroup, ProductType], ...] = tuple(
    (group, product_type) for group in PRODUCT_GROUPS for product_type in group.products
)

_SOFT = frozenset({"Footwear", "Clothing", "Accessories"})
_VARIANTS = len(SOFT_MATERIALS) + len(STYLES) + len(SOFT_MATERIALS) * len(STYLES)
MAX_CATEGORIES = len(PRODUCT_TYPES) * _VARIANTS


@dataclass(frozen=True)
class Category:
    """A leaf of the taxonomy, with the words and colours of its listings.

    Attributes:
        code: its id, a slug of the label.
        label: its name.
        parent: the name that it shares with its siblings.
        department: the top level of the taxonomy.
        sensitive: only people may move a listing into it or out of it.
        nouns: names that titles use.
        generic: names that also fit its siblings.
        hints: words that suggest it without naming it.
        price: the median price in euros.
        colours: letters of `vocabulary.COLOURS`, the most common first.
        product_type: label of the product type that its pictures show.
        modifiers: its material and style; empty for a curated product type.
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
    product_type: str
    modifiers: tuple[Modifier, ...] = ()


def build_taxonomy(count: int) -> tuple[Category, ...]:
    """Build a taxonomy of `count` categories, 2 to `MAX_CATEGORIES`; siblings are adjacent."""
    per_type, remainder = divmod(count, len(PRODUCT_TYPES))
    categories: list[Category] = []
    for position, (group, product_type) in enumerate(PRODUCT_TYPES):
        wanted = per_type + (position < remainder)
        if wanted == 1:
            categories.append(_plain(group, product_type))
        elif wanted > 1:
            categories += (_variant(group, product_type, m) for m in itertools.islice(_modifiers(group), wanted))
    return tuple(categories)


def ancestor_codes(category: Category) -> tuple[str, str]:
    """The codes of a category's parent and department, where these are categories themselves."""
    return _slug(category.parent), _slug(category.department)


def write_taxonomy(path: Path, categories: Sequence[Category], *, with_ancestors: bool = False) -> None:
    """Write taxonomy.csv: category, label, parent, department, sensitive, sorted by code.

    Args:
        path: the file.
        categories: the leaves.
        with_ancestors: whether parents and departments are categories themselves. Then `parent` is a code.
    """
    rows = [(c.code, c.label, c.parent, c.department, c.sensitive) for c in categories]
    if with_ancestors:
        rows = [(c.code, c.label, ancestor_codes(c)[0], c.department, c.sensitive) for c in categories]
        for c in categories:
            parent, department = ancestor_codes(c)
            rows.append((parent, c.parent, department, c.department, False))
            rows.append((department, c.department, "", c.department, False))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("category", "label", "parent", "department", "sensitive"))
        writer.writerows(sorted(set(rows)))


def _plain(group: ProductGroup, product_type: ProductType) -> Category:
    return Category(
        code=_slug(product_type.label),
        label=product_type.label,
        parent=group.label,
        department=group.department,
        sensitive=product_type.sensitive,
        nouns=product_type.nouns,
        generic=group.generic,
        hints=product_type.hints,
        price=product_type.price,
        colours=product_type.colours,
        product_type=product_type.label,
    )


def _variant(group: ProductGroup, product_type: ProductType, modifiers: tuple[Modifier, ...]) -> Category:
    label = " ".join((*(modifier.label for modifier in modifiers), product_type.label))
    names = [[modifier.words[language][0] for modifier in modifiers] for language in (0, 1)]
    english, french = product_type.nouns
    return Category(
        code=_slug(label),
        label=label,
        parent=product_type.label,
        department=group.department,
        sensitive=product_type.sensitive,
        nouns=(
            tuple(" ".join((*names[0], noun)) for noun in english),
            tuple(" ".join((noun, *reversed(names[1]))) for noun in french),
        ),
        generic=product_type.nouns,
        hints=(
            tuple(modifier.words[0][1] for modifier in modifiers),
            tuple(modifier.words[1][1] for modifier in modifiers),
        ),
        price=product_type.price,
        colours="".join(modifier.colours for modifier in modifiers) + product_type.colours[:2],
        product_type=product_type.label,
        modifiers=modifiers,
    )


def _modifiers(group: ProductGroup) -> Iterator[tuple[Modifier, ...]]:
    materials = SOFT_MATERIALS if group.department in _SOFT else HARD_MATERIALS
    for row in zip(materials, STYLES[::3], STYLES[1::3], STYLES[2::3], strict=True):
        yield from ((modifier,) for modifier in row)
    yield from itertools.product(STYLES, materials)


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
