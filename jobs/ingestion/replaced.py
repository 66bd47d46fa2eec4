"""Categories that a taxonomy file replaces by others: its column `replaced_by`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from jobs.ingestion.faults import list_faults
from schemas.successors import Successors
from udfs.categories import category_key

REPLACED_BY = "replaced_by"

Row = Mapping[str, str | None]


def find_successors(rows: Sequence[Row]) -> Successors:
    """Find the former categories of a taxonomy file.

    Args:
        rows: category and optionally replaced_by as text. A row with a value in replaced_by is no category any more.

    Returns:
        Former category -> the category that takes its place. If that has been replaced as well, the newest one.

    Raises:
        ValueError: a former category is also a category, is replaced by two, by none of the file, or in a circle. The
            message has one line per error.
    """
    codes = {_text(row, "category") for row in rows if not _text(row, REPLACED_BY)}
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
    return successors


def find_former_labels(rows: Sequence[Row], successors: Successors) -> Successors:
    """Find the labels of former categories, which sellers may go on using.

    Args:
        rows: category and optionally label and replaced_by as text.
        successors: the output of `find_successors`.

    Returns:
        Label -> the category that takes its place. A label that is also a name of another category, or that two former
        categories with different successors share, is left out.
    """
    kept = (row for row in rows if not _text(row, REPLACED_BY))
    names = {category_key(_text(row, name)) for row in kept for name in ("category", "label")}
    names |= {category_key(category) for category in successors}
    found: dict[str, set[str]] = {}
    for row in rows:
        label, category = _text(row, "label"), _text(row, "category")
        if category in successors and label and category_key(label) not in names:
            found.setdefault(label, set()).add(successors[category])
    return {label: category for label, (category, *others) in found.items() if not others}


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
