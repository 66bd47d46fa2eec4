"""Writes titles and descriptions as sellers do: in two languages, some clear, some that also fit the siblings.

Titles are hard for the same reasons as on a marketplace: names that fit all siblings ("classic shoe black"), only a
brand and a product line ("Norvane Elix 204"), a sibling's name, words that siblings share, mixed languages and typing
errors. Some descriptions add information, others do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalogue_generator.taxonomy import Category
from catalogue_generator.vocabulary import (
    AUDIENCES,
    COLOUR_SENTENCES,
    COLOURS,
    ENGLISH,
    FILLER,
    HINT_SENTENCES,
    NAME_SENTENCES,
    PRAISE,
    USES,
    invent_names,
)
from schemas.arrays import Floats, Ints

OWN_NAME, GENERIC_NAME, BRAND_ONLY, SIBLING_NAME = range(4)
TITLE_SHARES = (0.775, 0.17, 0.035, 0.02)
"""The share of titles of each kind, in that order."""
AMBIGUOUS_SHARE = sum(TITLE_SHARES[GENERIC_NAME:])
"""The share of listings whose title also fits the siblings: all kinds but the first."""
UNIFORMS = 40
"""The largest number of random numbers that one text uses."""

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
"""The orders of a title's parts, in English and in French."""
_LINES = 300
_GROUP_BRANDS, _DEPARTMENT_BRANDS = 5, 4


@dataclass(frozen=True)
class Brands:
    """Brands, and which of them make which categories.

    Attributes:
        names: B brand names.
        tiers: shape (B,), the factor by which each brand changes a price.
        candidates: shape (C, k), the brands in each category.
        shares: shape (C, k), the cumulative share of each of them in the category; the last column is 1.
        lines: names of product lines ("Elix"); a brand uses a few of them for each category.
    """

    names: tuple[str, ...]
    tiers: Floats
    candidates: Ints
    shares: Floats
    lines: tuple[str, ...]


def draw_brands(rng: np.random.Generator, categories: Sequence[Category]) -> Brands:
    """Draw brands, some for one parent of the taxonomy, some for a whole department."""
    pools: dict[tuple[str, int], list[int]] = {}
    for category in categories:
        for key, size in (((category.parent, 0), _GROUP_BRANDS), ((category.department, 1), _DEPARTMENT_BRANDS)):
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


class RandomNumbers:
    """Makes random choices from given uniform numbers, which it uses in order."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self._next = iter(uniforms).__next__

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return self._next() < share

    def pick(self, options: Sequence[str]) -> str:
        """One of the options, all equally likely."""
        return options[int(self._next() * len(options))]

    def pick_skewed(self, options: Sequence[str]) -> str:
        """One of the options; earlier ones are more likely."""
        return options[int(self._next() ** 3 * len(options))]

    def integer(self, limit: int) -> int:
        """An integer from 0 to limit - 1, all equally likely."""
        return int(self._next() * limit)


@dataclass(frozen=True)
class Product:
    """The product of a listing, and how the listing is written.

    Attributes:
        category: its true category.
        sibling: a sibling of the category, whose words may appear.
        kind: of the title: OWN_NAME, GENERIC_NAME, BRAND_ONLY or SIBLING_NAME.
        brand: its brand's name.
        number: its model number.
        colour: letter of `vocabulary.COLOURS`.
        language: vocabulary.ENGLISH or FRENCH.
        typos: 0 to 1, the probability of a typing error in the title.
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
        product: the product.
        lines: names of product lines.
        uniforms: `UNIFORMS` random numbers in [0, 1).
    """
    random, language, category = RandomNumbers(uniforms), product.language, product.category
    colour = COLOURS[product.colour].names[language] if random.chance(0.7) else ""
    audience = random.pick(AUDIENCES[language]) if category.department in _WORN and random.chance(0.35) else ""
    brand = product.brand if product.kind == BRAND_ONLY or random.chance(0.7) else ""
    praise = random.pick(PRAISE[language]) if random.chance(0.18) else ""
    hint, line, name = "", "", ""
    if product.kind == BRAND_ONLY:
        line = _product_line(product, lines, random)
    elif product.kind == GENERIC_NAME:
        name = random.pick_skewed(category.generic[language])
        hint = _hint(product, language, random) if random.chance(0.85) else ""
        praise = praise or random.pick(PRAISE[language])
    else:
        named = product.sibling if product.kind == SIBLING_NAME else category
        name = random.pick_skewed(named.nouns[ENGLISH if random.chance(0.15) else language])
        hint = _hint(product, language, random) if random.chance(0.65) else ""
        line = _product_line(product, lines, random) if random.chance(0.15) else ""
    words = {
        "brand": brand,
        "audience": audience,
        "praise": praise,
        "hint": hint,
        "colour": colour,
        "name": name,
        "line": line,
    }
    return _add_typo(_arrange(words, language, random), product.typos, random)


def write_description(product: Product, uniforms: Sequence[float]) -> str | None:
    """Write a description; None if the seller wrote none. The arguments are those of `write_title`."""
    random, language, category = RandomNumbers(uniforms), product.language, product.category
    if random.chance(0.04):
        return None
    if random.chance(0.06):
        language = 1 - language
    colour, use = COLOURS[product.colour].names[language], random.pick(USES[language])
    if random.chance(0.2):
        return f"{colour.capitalize()}, {_hint(product, language, random) if random.chance(0.5) else use}"
    clear = product.kind == OWN_NAME
    sentences = [random.pick(COLOUR_SENTENCES[language]).format(colour)] if random.chance(0.5) else []
    if random.chance(0.65 if clear else 0.5):
        sentences.append(random.pick(NAME_SENTENCES[language]).format(random.pick_skewed(category.nouns[language])))
    if random.chance(0.8):
        sentences.append(random.pick(HINT_SENTENCES[language]).format(_hint(product, language, random)))
    if random.chance(0.2):
        sentences.append(f"Ref. {product.brand[:2].upper()}-{product.number % 10000:04d}.")
    if random.chance(0.35) or not sentences:
        sentences.append(random.pick(FILLER[language]))
    return " ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences)


def _hint(product: Product, language: int, random: RandomNumbers) -> str:
    source = product.sibling if random.chance(0.08) else product.category
    return random.pick_skewed(source.hints[language])


def _product_line(product: Product, lines: Sequence[str], random: RandomNumbers) -> str:
    """A product line's name, sometimes with a number; often one that the brand uses for this category."""
    if random.chance(0.6):
        anchor = sum(map(ord, product.brand)) * 31 + sum(map(ord, product.category.code)) * 7
        line = lines[(anchor + random.integer(3)) % len(lines)]
    else:
        line = random.pick(lines)
    return f"{line} {product.number % 900 + 100}" if random.chance(0.35) else line


def _arrange(words: Mapping[str, str], language: int, random: RandomNumbers) -> str:
    """Join the parts in one of the language's orders, in upper, lower or title case."""
    order = random.pick(_ORDERS[language]).split()
    title = " ".join(words[part] for part in order if words[part])
    case = random.integer(10)
    if case < 6:
        return title.title().replace("'S", "'s")
    return title.upper() if case == 9 else title.capitalize() if case == 8 else title


def _add_typo(title: str, typos: float, random: RandomNumbers) -> str:
    """Add a typing error to one word of the title, with probability `typos`."""
    if not random.chance(typos):
        return title
    words = title.split(" ")
    position = random.integer(len(words))
    word = words[position]
    if len(word) < 5:
        return title
    at = 1 + random.integer(len(word) - 2)
    misspellings = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at : at + 1] + word[at:],
    )
    words[position] = misspellings[random.integer(3)]
    return " ".join(words)


def draw_columns(rng: np.random.Generator, shares: Floats) -> Ints:
    """Draw one column per row from cumulative shares of shape (n, k)."""
    columns: Ints = (rng.random(len(shares))[:, None] > shares[:, :-1]).sum(axis=1)
    return columns
