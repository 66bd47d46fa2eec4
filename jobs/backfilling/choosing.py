"""Chooses listings of today's catalogue by category, seller or id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame

from schemas.errors import UsageError

_NAMES = {"category": ("category", "categories"), "seller_id": ("seller", "sellers"), "listing_id": ("id", "ids")}
"""Column -> what one and several of its values are called."""


@dataclass(frozen=True)
class Selection:
    """Which listings to choose: those that meet every kind that is given, by any of its values.

    Attributes:
        categories: the sellers' categories.
        sellers: ids of sellers.
        ids: ids of listings.
    """

    categories: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The selection, for messages."""
        named = {"category": self.categories, "seller": self.sellers}
        parts = [f"{name} {', '.join(values)}" for name, values in named.items() if values]
        if self.ids:
            parts.append(_count(len(self.ids), "listing_id"))
        return " and ".join(parts)

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """The column of the listings that each given kind is about -> its values."""
        kinds = {"category": self.categories, "seller_id": self.sellers, "listing_id": self.ids}
        return {column: values for column, values in kinds.items() if values}


@dataclass(frozen=True)
class Chosen:
    """The listings that a selection has chosen.

    Attributes:
        listings: rows of the catalogue.
        count: their number; at least 1.
        unknown: column -> number of values that no listing of the catalogue has.
    """

    listings: DataFrame
    count: int
    unknown: dict[str, int]


def read_ids(file: Path) -> tuple[str, ...]:
    """Read the ids of listings from a text file, one a line; empty lines and repeated ids are ignored.

    Raises:
        UsageError: the file does not exist, cannot be read, is not text or has no id.
    """
    if not file.exists():
        raise UsageError(f"--ids: there is no file {file}. Give a text file with one listing id a line.")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--ids {file}: cannot be read as text ({error}). Give one listing id a line.") from error
    ids = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise UsageError(f"--ids {file}: the file has no id. Give one listing id a line.")
    return ids


def choose(listings: DataFrame, selection: Selection) -> Chosen:
    """Choose listings.

    Args:
        listings: the catalogue: listing_id, category, seller_id and other columns.
        selection: which ones.

    Raises:
        UsageError: no listing meets the selection.
    """
    chosen, unknown = listings, {}
    for column, values in selection.kinds().items():
        wanted = _frame(listings, column, values)
        known = listings.join(wanted, column, "left_semi").select(column).distinct().count()
        unknown[column] = len(values) - known
        chosen = chosen.join(wanted, column, "left_semi").select(*listings.columns)
    count = chosen.count()
    if count == 0:
        without = [_count(number, column) for column, number in unknown.items() if number]
        found = f" (the catalogue lacks {' and '.join(without)})" if without else ""
        raise UsageError(f"no listing in force meets {selection}{found}: check the values, or ingest first.")
    return Chosen(chosen, count, unknown)


def _count(number: int, column: str) -> str:
    one, several = _NAMES[column]
    return f"{number:,} {one if number == 1 else several}"


def _frame(listings: DataFrame, column: str, values: Sequence[str]) -> DataFrame:
    return listings.sparkSession.createDataFrame([(value,) for value in dict.fromkeys(values)], f"{column} STRING")
