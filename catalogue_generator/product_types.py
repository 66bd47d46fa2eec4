"""Curated product types and the groups that they belong to, with their words, read from a table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProductType:
    """A curated product type: a category of a small taxonomy.

    Attributes:
        label: its English plural.
        nouns: English and French names that titles use.
        hints: English and French words that suggest it without naming it.
        price: the median price in euros.
        colours: letters of `vocabulary.COLOURS`, the most common first.
        sensitive: only people may move a listing into it or out of it.
    """

    label: str
    nouns: tuple[tuple[str, ...], tuple[str, ...]]
    hints: tuple[tuple[str, ...], tuple[str, ...]]
    price: float
    colours: str
    sensitive: bool


@dataclass(frozen=True)
class ProductGroup:
    """Sibling product types: they have one parent in the taxonomy.

    Attributes:
        department: the top level of the taxonomy.
        label: the parent's name.
        english: comma-separated names that fit every product type of the group.
        french: the same in French.
        table: two lines per product type, in the format that `products_fashion` describes.
        sensitive: comma-separated labels, in lower case, of the sensitive product types.
    """

    department: str
    label: str
    english: str
    french: str
    table: str = field(repr=False)
    sensitive: str = ""

    @property
    def generic(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """English and French names that fit every product type of the group."""
        return _words(self.english), _words(self.french)

    @property
    def products(self) -> tuple[ProductType, ...]:
        """The product types, in the order of the table."""
        lines = self.table.strip().splitlines()
        return tuple(self._product_type(names, hints) for names, hints in zip(lines[::2], lines[1::2], strict=True))

    def _product_type(self, names: str, suggestions: str) -> ProductType:
        english, french, figures = names.split("|")
        hints, hints_fr = suggestions.split("|")
        price, colours = figures.split()
        nouns = _words(english)
        return ProductType(
            label=nouns[0].title(),
            nouns=(_singular_first(nouns), _words(french)),
            hints=(_words(hints), _words(hints_fr)),
            price=float(price),
            colours=colours,
            sensitive=nouns[0] in _words(self.sensitive),
        )


def _singular_first(nouns: tuple[str, ...]) -> tuple[str, ...]:
    """Put the plural last if its singular follows it: titles use the first names more often."""
    plural, other, *more = (*nouns, "")
    if other and plural.startswith(other[:-2]):
        return (other, *filter(None, more), plural)
    return nouns


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
