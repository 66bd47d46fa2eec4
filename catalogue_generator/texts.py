"""Titles and descriptions as sellers write them: in two languages, some plain, some that fit the siblings too.

What makes a title hard is what makes it hard on a marketplace: names that fit a whole shelf ("classic shoe black"),
brand and product line alone ("Norvane Elix 204"), a sibling's name used loosely, words that siblings share, mixed
languages, typing errors. The description says more in some cases, in others not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalogue_generator.taxonomy import Category
from catalogue_generator.vocabulary import (
    ABOUT,
    AUDIENCES,
    COLOURED,
    COLOURS,
    ENGLISH,
    NAMING,
    PRAISE,
    SMALL_TALK,
    USES,
    invent_names,
)
from schemas.arrays import Floats, Ints

OWN_NAME, SHELF_NAME, BRAND_ONLY, LOOSE_NAME = range(4)
TITLE_SHARES = (0.775, 0.17, 0.035, 0.02)
"""How many titles are of each kind, in that order."""
AMBIGUOUS_SHARE = sum(TITLE_SHARES[SHELF_NAME:])
"""The share of listings whose title fits the siblings too: all kinds but the first."""
UNIFORMS = 40
"""How many random numbers a listing's text consumes at most."""

_WORN = frozenset({"Footwear", "Clothing", "Accessories"})
_ORDERS = (
    (
        "brand audience praise hint colour name line",
        "brand line audience colour hint name praise",
        "praise hint name brand line colour audience",
    ),
    (
        "name brand line hint colour audience praise",
        "brand line name audience hint colour praise",
        "praise name hint audience colour brand line",
    ),
)
"""How titles are put together, in English and in French."""
_LINES = 300
_BRANDS_OF_SHELF, _BRANDS_OF_DEPARTMENT = 5, 4


@dataclass(frozen=True)
class Brands:
    """Who makes what.

    Attributes:
        names: B brands.
        tiers: shape (B,), what each does to a price, as a factor.
        candidates: shape (C, k), the brands that make a category's goods.
        shares: shape (C, k), how much each of them has of it, cumulated; the last column is 1.
        lines: names of product lines ("Elix"); a brand keeps some of them for a category.
    """

    names: tuple[str, ...]
    tiers: Floats
    candidates: Ints
    shares: Floats
    lines: tuple[str, ...]


def draw_brands(rng: np.random.Generator, categories: Sequence[Category]) -> Brands:
    """Draw brands that make one shelf's goods, and brands that make a department's."""
    pools: dict[tuple[str, int], list[int]] = {}
    for category in categories:
        for key, size in (((category.parent, 0), _BRANDS_OF_SHELF), ((category.department, 1), _BRANDS_OF_DEPARTMENT)):
            if key not in pools:
                first = sum(len(pool) for pool in pools.values())
                pools[key] = list(range(first, first + size))
    count = sum(len(pool) for pool in pools.values())
    names = invent_names(rng, count + _LINES)
    candidates = [pools[category.parent, 0] + pools[category.department, 1] for category in categories]
    weights = rng.gamma(0.4, size=(len(categories), len(candidates[0]))) + 0.02
    shares = np.cumsum(weights, axis=1)
    return Brands(
        names=names[:count],
        tiers=rng.lognormal(0.0, 0.3, count),
        candidates=np.array(candidates, dtype=np.int64),
        shares=shares / shares[:, -1:],
        lines=names[count:],
    )


class Dice:
    """A listing's random numbers, taken in order."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self._next = iter(uniforms).__next__

    def chance(self, share: float) -> bool:
        """True in so many cases."""
        return self._next() < share

    def pick(self, options: Sequence[str]) -> str:
        """One of them, evenly."""
        return options[int(self._next() * len(options))]

    def favour(self, options: Sequence[str]) -> str:
        """One of them, the first ones more often."""
        return options[int(self._next() ** 3 * len(options))]

    def below(self, limit: int) -> int:
        """0 to limit - 1, evenly."""
        return int(self._next() * limit)


@dataclass(frozen=True)
class Product:
    """What a listing offers and how it speaks of it.

    Attributes:
        category: what it is.
        sibling: a category that it may be taken for.
        kind: of the title, OWN_NAME and so on.
        brand: its maker's name.
        number: its maker's number.
        colour: letter of `vocabulary.COLOURS`.
        language: vocabulary.ENGLISH or FRENCH.
        typos: 0 to 1, how likely the title has a typing error.
    """

    category: Category
    sibling: Category
    kind: int
    brand: str
    number: int
    colour: str
    language: int
    typos: float


def write_title(product: Product, lines: Sequence[str], uniforms: Sequence[float]) -> str:
    """Write a title.

    Args:
        product: what is offered.
        lines: names of product lines.
        uniforms: `UNIFORMS` random numbers, 0 to 1 (exclusive).
    """
    dice, language, category = Dice(uniforms), product.language, product.category
    colour = COLOURS[product.colour].names[language] if dice.chance(0.7) else ""
    audience = dice.pick(AUDIENCES[language]) if category.department in _WORN and dice.chance(0.35) else ""
    brand = product.brand if product.kind == BRAND_ONLY or dice.chance(0.7) else ""
    praise = dice.pick(PRAISE[language]) if dice.chance(0.18) else ""
    hint, line, name = "", "", ""
    if product.kind == BRAND_ONLY:
        line = _line(product, lines, dice)
    elif product.kind == SHELF_NAME:
        name = dice.favour(category.generic[language])
        hint = _hint(product, language, dice) if dice.chance(0.85) else ""
        praise = praise or dice.pick(PRAISE[language])
    else:
        named = product.sibling if product.kind == LOOSE_NAME else category
        name = dice.favour(named.nouns[ENGLISH if dice.chance(0.15) else language])
        hint = _hint(product, language, dice) if dice.chance(0.65) else ""
        line = _line(product, lines, dice) if dice.chance(0.15) else ""
    words = {
        "brand": brand,
        "audience": audience,
        "praise": praise,
        "hint": hint,
        "colour": colour,
        "name": name,
        "line": line,
    }
    return _touch(_order(words, language, dice), product.typos, dice)


def write_description(product: Product, uniforms: Sequence[float]) -> str | None:
    """Write a description; None: the seller wrote none. The arguments are those of `write_title`."""
    dice, language, category = Dice(uniforms), product.language, product.category
    if dice.chance(0.04):
        return None
    if dice.chance(0.06):
        language = 1 - language
    colour, use = COLOURS[product.colour].names[language], dice.pick(USES[language])
    if dice.chance(0.2):
        return f"{colour.capitalize()}, {_hint(product, language, dice) if dice.chance(0.5) else use}"
    plain = product.kind == OWN_NAME
    said = [dice.pick(COLOURED[language]).format(colour)] if dice.chance(0.5) else []
    if dice.chance(0.65 if plain else 0.5):
        said.append(dice.pick(NAMING[language]).format(dice.favour(category.nouns[language])))
    if dice.chance(0.8):
        said.append(dice.pick(ABOUT[language]).format(_hint(product, language, dice)))
    if dice.chance(0.2):
        said.append(f"Ref. {product.brand[:2].upper()}-{product.number % 10000:04d}.")
    if dice.chance(0.35) or not said:
        said.append(dice.pick(SMALL_TALK[language]))
    return " ".join(sentence[:1].upper() + sentence[1:] for sentence in said)


def _hint(product: Product, language: int, dice: Dice) -> str:
    source = product.sibling if dice.chance(0.08) else product.category
    return dice.favour(source.hints[language])


def _line(product: Product, lines: Sequence[str], dice: Dice) -> str:
    """A product line's name with a number: often one that the brand keeps for this category."""
    if dice.chance(0.6):
        anchor = sum(map(ord, product.brand)) * 31 + sum(map(ord, product.category.code)) * 7
        line = lines[(anchor + dice.below(3)) % len(lines)]
    else:
        line = dice.pick(lines)
    return f"{line} {product.number % 900 + 100}" if dice.chance(0.35) else line


def _order(words: Mapping[str, str], language: int, dice: Dice) -> str:
    """Put the words into one of the orders that titles of the language have, in one of the usual cases."""
    order = dice.pick(_ORDERS[language]).split()
    title = " ".join(words[part] for part in order if words[part])
    case = dice.below(10)
    if case < 6:
        return title.title().replace("'S", "'s")
    return title.upper() if case == 9 else title.capitalize() if case == 8 else title


def _touch(title: str, typos: float, dice: Dice) -> str:
    """Mistype one word of the title, sometimes."""
    if not dice.chance(typos):
        return title
    words = title.split(" ")
    place = dice.below(len(words))
    word = words[place]
    if len(word) < 5:
        return title
    at = 1 + dice.below(len(word) - 2)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at : at + 1] + word[at:],
    )
    words[place] = slips[dice.below(3)]
    return " ".join(words)


def pick_each(rng: np.random.Generator, shares: Floats) -> Ints:
    """Draw one column a row from cumulated shares of shape (n, k)."""
    columns: Ints = (rng.random(len(shares))[:, None] > shares[:, :-1]).sum(axis=1)
    return columns
