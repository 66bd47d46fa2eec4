"""Categories that a taxonomy file replaces by others: its column `replaced_by`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from jobs.ingestion.faults import list_faults
from schemas.successors import Successors

REPLACED_BY = "replaced_by"

Row = Mapping[str, str | None]


def divide_replaced(rows: Sequence[Row]) -> tuple[list[Row], Successors]:
    """Divide the rows of a taxonomy file into those of categories and those of former categories.

    Args:
        rows: category and optionally replaced_by as text. A row with a value in replaced_by is no category any more.

    Returns:
        The rows of categories, each with its parent followed; and former category -> the category that takes its place.
        If that has been replaced as well, the newest one.

    Raises:
        ValueError: a former category is also a category, is replaced by two, by none of the file, or in a circle. The
            message has one line per error.
    """
    kept = [row for row in rows if not _text(row, REPLACED_BY)]
    codes = {_text(row, "category") for row in kept}
    next_of, faults = _read(rows, codes)
    successors: Successors = {}
    for category in next_of:
        chain = [category]
        while chain[-1] in next_of and chain[-1] not in chain[:-1]:
            chain.append(next_of[chain[-1]])
        if chain[-1] in codes:
            successors[category] = chain[-1]
        elif chain[-1] in next_of:
            faults.append(f"category {category!r} is replaced in a circle: {' > '.join(chain)}")
        else:
            faults.append(f"category {category!r} is replaced by {chain[-1]!r}, which is no category of the file")
    if faults:
        raise ValueError(list_faults(faults))
    return [_with_parent(row, successors) for row in kept], successors


def _read(rows: Sequence[Row], codes: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Former category -> replaced_by, and what is wrong with the rows."""
    next_of: dict[str, str] = {}
    faults: list[str] = []
    for number, row in enumerate(rows, 1):
        category, other = _text(row, "category"), _text(row, REPLACED_BY)
        if not other:
            continue
        if not category:
            faults.append(f"row {number} has no category")
        elif category in codes:
            faults.append(f"row {number}: category {category!r} is replaced by {other!r}, but another row keeps it")
        elif next_of.setdefault(category, other) != other:
            faults.append(f"row {number}: category {category!r} is replaced by {next_of[category]!r} and by {other!r}")
    return next_of, faults


def _text(row: Row, name: str) -> str:
    return (row.get(name) or "").strip()


def _with_parent(row: Row, successors: Successors) -> Row:
    parent = successors.get(_text(row, "parent"))
    return {**row, "parent": parent} if parent else row
