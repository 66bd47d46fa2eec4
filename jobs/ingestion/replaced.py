"""Categories that a taxonomy file replaces by others: its column `replaced_by`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from jobs.ingestion.faults import list_faults
from schemas.successors import Successors
from udfs.categories import TaxonomyRow, category_key, label_path, path_names

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


def find_former_names(rows: Sequence[Row], successors: Successors, general: str) -> Successors:
    """Find the labels of former categories, and the paths of labels with them, which sellers may go on using.

    Args:
        rows: category and optionally label, parent, department and replaced_by as text.
        successors: the output of `find_successors`.
        general: the department of categories without one, which is no part of a path.

    Returns:
        Name -> the category that takes its place. A name that is also another category's, or that two former categories
        with different successors share, is left out.
    """
    every = {each.category: each for each in (taxonomy_row(row, general) for row in rows) if each.category}
    kept = {
        code: replace(each, parent=successors.get(each.parent, each.parent))
        for code, each in every.items()
        if code not in successors
    }
    taken = {category_key(code) for code in every}
    taken |= {category_key(name) for each in kept.values() for name in _names(each, kept, general)}
    found: dict[str, tuple[str, set[str]]] = {}
    for code, each in every.items():
        for name in _names(each, every, general):
            if (key := category_key(name)) not in taken:
                found.setdefault(key, (name, set()))[1].add(successors.get(code, code))
    return {name: category for name, (category, *others) in found.values() if not others}


def taxonomy_row(row: Row, general: str) -> TaxonomyRow:
    """A row of a taxonomy file with its defaults.

    Args:
        row: category and optionally label, parent and department as text. Label and parent default to the category.
        general: the department of categories without one.
    """
    category = _text(row, "category")
    label, parent = _text(row, "label") or category, _text(row, "parent") or category
    return TaxonomyRow(category, label, parent, _text(row, "department") or general)


def _names(row: TaxonomyRow, rows: Mapping[str, TaxonomyRow], general: str) -> list[str]:
    return [row.label, *path_names(label_path(row, rows, general))]


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
