"""Makes or extends the taxonomy from the categories of a delivery that are paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.ingest_settings import IngestSettings
from jobs.ingestion.aliases import open_index, stored_names
from jobs.ingestion.taxonomies import DEFAULT_DEPARTMENT, Category
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import CATEGORY_ALIASES, TAXONOMY
from udfs.categories import PATH, CategoryIndex, category_key, split_path

_MAX_NAMES = 50_000
_MAX_CATEGORIES = 10_000
"""More are no taxonomy: a network could not learn them."""


@dataclass(frozen=True)
class Growth:
    """What a delivery has added to the taxonomy.

    Attributes:
        categories: the whole taxonomy; None if nothing was added.
        added: new category -> number of rows of the delivery that have it.
    """

    categories: list[Category] | None
    added: Mapping[str, int]


def grow_taxonomy(
    warehouse: Warehouse, delivered: DataFrame, given: Mapping[str, str] | None, settings: IngestSettings
) -> Growth:
    """Find the categories of a delivery that the taxonomy lacks, and add them to what is stored.

    Args:
        warehouse: the tables.
        delivered: rows of the delivery.
        given: alias -> category of a mapping file; None: that of the last one.
        settings: how categories are written.

    Raises:
        UsageError: there are no categories, or too many.
    """
    taxonomy, known = warehouse.read(TAXONOMY), warehouse.read(CATEGORY_ALIASES)
    aliases, successors = stored_names(known)
    aliases = aliases if given is None else dict(given)
    usable = delivered.where((F.size("reasons") == 0) & F.col("category").isNotNull())
    rows = usable.groupBy("category").count().limit(_MAX_NAMES + 1).collect()
    names = {row.category: row["count"] for row in rows}
    added = new_categories(names, open_index(taxonomy, successors, aliases, settings))
    stored = [tuple(row) for row in taxonomy.collect()]
    if len(names) > _MAX_NAMES or len(stored) + len(added) > _MAX_CATEGORIES:
        some = ", ".join(repr(name) for name in sorted(names)[:3])
        raise UsageError(
            f"the delivery has too many different categories for a taxonomy (at most {_MAX_CATEGORIES:,}): {some}, ... "
            "If a value holds several categories, say what stands between them with ingest.category_separator; if the "
            "categories are in another column, map it with ingest.columns; or give a taxonomy file with --taxonomy."
        )
    if not stored and not added:
        unusable = delivered.where(F.size("reasons") > 0).count()
        way_out = "give a taxonomy file with --taxonomy"
        if unusable:
            way_out = f"{unusable:,} of its {delivered.count():,} rows cannot be used; --dry-run shows why"
        raise UsageError(f"the delivery has no categories to make a taxonomy from: {way_out}.")
    whole = sorted([*stored, *rows_of_paths(added, {row[3] for row in stored})])
    return Growth(whole if added else None, added)


def new_categories(names: Mapping[str, int], index: CategoryIndex) -> dict[str, int]:
    """The categories of delivered values that the taxonomy lacks, written as paths.

    Of several spellings of a category, the most frequent counts. Of several categories in one value, the one with the
    longest path, and of equally long ones the first.

    Args:
        names: delivered value -> number of rows.
        index: the names of the taxonomy's categories.

    Returns:
        Path -> number of rows.
    """
    spellings: dict[str, Counter[str]] = {}
    for name, rows in sorted(names.items()):
        if index.resolve_whole(name) is not None:
            continue
        longest = max(index.split(name), key=lambda part: len(split_path(part, index.separators.path)))
        path = split_path(longest, index.separators.path)
        if path and index.resolve_whole(longest) is None:
            spellings.setdefault(category_key(PATH.join(path)), Counter())[PATH.join(path)] += rows
    return {found.most_common(1)[0][0]: found.total() for found in spellings.values()}


def rows_of_paths(categories: Collection[str], departments: Collection[str]) -> list[Category]:
    """Rows of the taxonomy for categories that are paths.

    The label is the last part, the parent the path above, and the department the first part. A category that stands
    alone, above no other, has no department.

    Args:
        categories: paths, as `new_categories` writes them.
        departments: those that the taxonomy has.
    """
    paths = {category: split_path(category) for category in categories}
    known = {*departments, *(path[0] for path in paths.values() if len(path) > 1)}
    return [
        (
            category,
            path[-1],
            PATH.join(path[:-1]) or category,
            path[0] if path[0] in known else DEFAULT_DEPARTMENT,
            False,
        )
        for category, path in paths.items()
    ]
