"""Which category of the taxonomy a delivered category is."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

PATH = " > "
"""Between the parts of a category that is a path, Clothing > Tops; the spaces may be missing."""


def split_path(category: str, separator: str | None = None) -> list[str]:
    """The parts of a category that is a path, without empty ones; of another category, the category alone.

    Args:
        category: a category, of a taxonomy or as delivered. Entities of HTML become characters, and white space single
            spaces.
        separator: what stands between the parts besides `>`; None: nothing else.
    """
    text = html.unescape(category)
    if separator is not None:
        text = text.replace(separator, PATH)
    return [part for part in (" ".join(part.split()) for part in text.split(PATH.strip())) if part]


def category_key(category: str, separator: str | None = None) -> str:
    """The category without what does not tell categories apart: case, Unicode form (NFKC), entities and white space.

    The arguments are those of `split_path`.
    """
    return PATH.join(
        " ".join(unicodedata.normalize("NFKC", part).casefold().split()) for part in split_path(category, separator)
    )


@dataclass(frozen=True)
class TaxonomyRow:
    """A category of the taxonomy; the columns of the table `taxonomy`."""

    category: str
    label: str
    parent: str
    department: str


@dataclass(frozen=True)
class Separators:
    """What stands between several categories in one value, and between the parts of a path; None: nothing."""

    category: str | None = None
    path: str | None = None


class CategoryIndex:
    """Finds the category of the taxonomy that a delivered category is.

    In this order, a delivered category may be a code as it is; an alias; a code, a path of labels, or a label that
    differs only in what `category_key` leaves out. A name that two categories share is none.
    """

    separators: Separators
    """How delivered categories are written."""
    codes: frozenset[str]
    """The categories of the taxonomy."""

    def __init__(
        self, taxonomy: Iterable[TaxonomyRow], aliases: Mapping[str, str], separators: Separators, general: str
    ) -> None:
        """Build the index.

        Args:
            taxonomy: the categories.
            aliases: name -> code. Codes that the taxonomy lacks are ignored.
            separators: how delivered categories are written.
            general: the department of categories without one, which is no part of a path.
        """
        rows = {row.category: row for row in taxonomy}
        paths = {code: label_path(row, rows, general) for code, row in rows.items()}
        self.separators = separators
        self.codes = frozenset(rows)
        self._depth = {code: len(path) for code, path in paths.items()}
        known = {alias: code for alias, code in aliases.items() if code in rows}
        self._names = [
            _unique((self._key(alias), code) for alias, code in known.items()),
            _unique((self._key(code), code) for code in rows),
            _unique((self._key(name), code) for code, path in paths.items() for name in path_names(path)),
            _unique((self._key(row.label), code) for code, row in rows.items()),
        ]

    def resolve(self, delivered: str) -> str | None:
        """The code of a delivered category; None if it is none.

        Of several categories in one value, the deepest in the taxonomy counts; of equally deep ones, the first.
        """
        found = self.resolve_whole(delivered)
        if found is not None:
            return found
        codes = [code for code in map(self.resolve_whole, self.split(delivered)) if code is not None]
        return max(codes, key=lambda code: self._depth[code], default=None)

    def split(self, delivered: str) -> list[str]:
        """The categories in a value. As in WooCommerce's exports, a separator behind a backslash is part of a name."""
        separator = self.separators.category
        if separator is None:
            return [delivered]
        parts = re.split(rf"(?<!\\){re.escape(separator)}", html.unescape(delivered))
        return [part.replace(f"\\{separator}", separator) for part in parts]

    @cached_property
    def keys(self) -> dict[str, str]:
        """The key of every name that is one category's -> its code."""
        return {key: code for names in reversed(self._names) for key, code in names.items() if code is not None}

    def resolve_whole(self, name: str) -> str | None:
        """The code of a name that is one category; None if it is none."""
        if name in self.codes:
            return name
        key = self._key(name)
        return next((names[key] for names in self._names if key in names), None)

    def _key(self, name: str) -> str:
        return category_key(name, self.separators.path)


def category_udf(index: CategoryIndex) -> Callable[[Column], Column]:
    """Make a UDF: delivered category -> its code in the taxonomy; null if it is none or null."""

    def codes(delivered: pd.Series) -> pd.Series:
        found = {text: index.resolve(text) for text in delivered.dropna().unique()}
        return delivered.map(found).astype(object).where(lambda each: each.notna(), None)

    # The type stubs require the function type as an argument, but pyspark advises against it.
    udf = pandas_udf(codes, "STRING")  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def label_path(row: TaxonomyRow, rows: Mapping[str, TaxonomyRow], general: str) -> list[str]:
    """The labels from the department down to the category; neighbours that are equal count once.

    Args:
        row: the category.
        rows: code -> category, of all categories.
        general: the department of categories without one, which is no part of a path.
    """
    parts, seen = [row.label], {row.category}
    parent = row.parent
    while parent not in seen:
        seen.add(parent)
        above = rows.get(parent)
        parts[:0] = [above.label] if above else split_path(parent)
        parent = above.parent if above else parent
    if row.department != general:
        parts.insert(0, row.department)
    keys = [category_key(part) for part in parts]
    return [part for i, part in enumerate(parts) if i == 0 or keys[i] != keys[i - 1]]


def path_names(path: Sequence[str]) -> list[str]:
    """How a category may be delivered as a path: with and without the first part. A label alone is no path.

    Args:
        path: the output of `label_path`.
    """
    return [PATH.join(path[start:]) for start in (0, 1) if len(path) > start + 1]


def _unique(names: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Key -> code; None where several codes have the key."""
    found: dict[str, str | None] = {}
    for key, code in names:
        found[key] = code if found.get(key, code) == code else None
    return found


def find_cycle(parents: Mapping[str, str]) -> Sequence[str]:
    """A chain of categories of which each is the parent of the one before, and the last is the first; empty if none.

    A category that is its own parent is at the top.

    Args:
        parents: code -> parent; a parent that is no code ends a chain.
    """
    done: set[str] = set()
    for start in parents:
        chain = [start]
        while chain[-1] not in done:
            above = parents[chain[-1]]
            if above == chain[-1] or above not in parents:
                break
            if above in chain:
                return [*chain[chain.index(above) :], above]
            chain.append(above)
        done.update(chain)
    return []
