"""Reads the taxonomy from a file, validates it and stores it if it has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession

from conf.ingest_settings import FileSettings
from jobs.ingestion.copies import Copies
from jobs.ingestion.deliveries import read_files, text_settings
from jobs.ingestion.faults import list_faults
from jobs.ingestion.files import find_files
from jobs.ingestion.replaced import REPLACED_BY, find_former_names, find_successors, taxonomy_row
from jobs.ingestion.rows import MALFORMED, Rows
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.successors import Successors
from schemas.tables import TAXONOMY
from udfs.categories import PATH, find_cycle

DEFAULT_DEPARTMENT = "all"
"""Department of a category without one."""

_SENSITIVE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}

Category = tuple[str, str, str, str, bool]
"""Category, label, parent, department, sensitive."""


def read_taxonomy(
    spark: SparkSession, location: str, settings: FileSettings, copies: Copies
) -> tuple[list[Category], Successors, Successors]:
    """Read a taxonomy file: CSV, JSON lines or Parquet.

    Returns:
        The categories, sorted; the former categories, with those that have taken their places; and the same for the
        names of former categories, which are labels and paths of labels.

    Raises:
        UsageError: the file cannot be read or used. The message lists every error.
    """
    rows = read_category_file(spark, location, "category", settings, copies)
    if "category" not in rows.names:
        found = ", ".join(rows.names) or "none"
        raise UsageError(
            f"--taxonomy {location} lacks the column category; its columns are {found}. A taxonomy file has a header "
            "and a row for each category; other columns that it may have are label, parent, department and sensitive."
        )
    try:
        texts = rows.collect_texts([*TAXONOMY.names, REPLACED_BY])
        successors = find_successors(texts)
        return (
            validate_taxonomy(texts, successors),
            successors,
            find_former_names(texts, successors, DEFAULT_DEPARTMENT),
        )
    except ValueError as error:
        raise UsageError(f"--taxonomy {location} cannot be used:\n{error}") from error


def read_category_file(spark: SparkSession, location: str, column: str, settings: FileSettings, copies: Copies) -> Rows:
    """Read a file about categories, of which one column is known.

    Raises:
        UsageError: the file cannot be read.
    """
    form = text_settings("ingest.taxonomy_files", settings, {column})
    return read_files(spark, find_files(spark, location), form, copies)


def validate_taxonomy(rows: Sequence[Mapping[str, str | None]], successors: Successors | None = None) -> list[Category]:
    """Validate a taxonomy and fill in its defaults.

    Args:
        rows: category and optionally label, parent, department and sensitive (true or false, 1 or 0, yes or no; empty
            is false) as text, and `MALFORMED`. Label and parent default to the category, department to
            `DEFAULT_DEPARTMENT`. Rows with replaced_by are no categories.
        successors: the output of `find_successors`; a parent that is a former category is followed.

    Returns:
        The categories, sorted.

    Raises:
        ValueError: a row is malformed, a category is missing or repeated, sensitive is not a truth value, or there are
            no categories, or parents go in a circle. The message has one line per error.
    """
    faults: list[str] = []
    categories: dict[str, Category] = {}
    followed = successors or {}
    for number, row in enumerate(rows, 1):
        text = {name: (value or "").strip() for name, value in row.items()}
        category, sensitive = text.get("category", ""), _SENSITIVE.get(text.get("sensitive", "").lower())
        if row.get(MALFORMED) is not None:
            faults.append(f"row {number} cannot be read: {text[MALFORMED]!r}")
        elif text.get(REPLACED_BY):
            continue
        elif not category:
            faults.append(f"row {number} has no category")
        elif category in categories:
            faults.append(f"row {number} repeats category {category!r}")
        elif sensitive is None:
            faults.append(
                f"row {number}, category {category!r}: sensitive is {text['sensitive']!r}; it must be true or false"
            )
        else:
            each = taxonomy_row(row, DEFAULT_DEPARTMENT)
            parent = followed.get(each.parent, each.parent)
            categories[category] = (category, each.label, parent, each.department, sensitive)
    if not rows:
        faults.append("there are no categories")
    cycle = find_cycle({category: row[2] for category, row in categories.items()})
    if cycle:
        faults.append(f"the parents of these categories go in a circle: {PATH.join(cycle)}")
    if faults:
        raise ValueError(list_faults(faults))
    return sorted(categories.values())


def store_taxonomy(warehouse: Warehouse, categories: Sequence[Category] | None) -> bool:
    """Replace the stored taxonomy if it differs, and return whether it did. None keeps the stored one."""
    if categories is None:
        return False
    stored = sorted(tuple(row) for row in warehouse.read(TAXONOMY).collect())
    if stored == list(categories):
        return False
    warehouse.overwrite(TAXONOMY, warehouse.spark.createDataFrame(list(categories), TAXONOMY.ddl))
    return True
