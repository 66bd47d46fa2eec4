"""A shelf of the curated goods: a parent of the taxonomy with its categories and their words, read from a table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Good:
    """A curated product category.

    Attributes:
        label: its English name in the plural.
        nouns: English and French names, as titles use them.
        hints: English and French words that suggest it without naming it.
        price: the median price in euros.
        colours: letters of `vocabulary.COLOURS`, the commonest first.
        sensitive: only people may move a listing into it or out of it.
    """

    label: str
    nouns: tuple[tuple[str, ...], tuple[str, ...]]
    hints: tuple[tuple[str, ...], tuple[str, ...]]
    price: float
    colours: str
    sensitive: bool


@dataclass(frozen=True)
class Shelf:
    """Sibling goods.

    Attributes:
        department: the top of the tree.
        label: the parent's name.
        english: comma-separated names that fit every good of the shelf.
        french: the same in French.
        table: two lines a good, as `goods_worn` describes them.
        sensitive: comma-separated labels, in lower case, of the sensitive goods.
    """

    department: str
    label: str
    english: str
    french: str
    table: str = field(repr=False)
    sensitive: str = ""

    @property
    def generic(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """English and French names that fit every good of the shelf."""
        return _words(self.english), _words(self.french)

    @property
    def goods(self) -> tuple[Good, ...]:
        """The goods, in the table's order."""
        lines = self.table.strip().splitlines()
        return tuple(self._good(names, hints) for names, hints in zip(lines[::2], lines[1::2], strict=True))

    def _good(self, names: str, suggestions: str) -> Good:
        english, french, figures = names.split("|")
        hints, hints_fr = suggestions.split("|")
        price, colours = figures.split()
        nouns = _words(english)
        return Good(
            label=nouns[0].title(),
            nouns=(_singular_first(nouns), _words(french)),
            hints=(_words(hints), _words(hints_fr)),
            price=float(price),
            colours=colours,
            sensitive=nouns[0] in _words(self.sensitive),
        )


def _singular_first(nouns: tuple[str, ...]) -> tuple[str, ...]:
    """Put the label behind its singular where that follows it: titles name what comes first more often."""
    plural, other, *more = (*nouns, "")
    if other and plural.startswith(other[:-2]):
        return (other, *filter(None, more), plural)
    return nouns


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
