"""The taxonomy and the names of its categories: what an ingest is given and what it writes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.ingest_settings import IngestSettings
from jobs.console.job import Job
from jobs.console.summary import Section
from jobs.ingestion.aliases import read_alias_file, update_aliases
from jobs.ingestion.copies import Copies
from jobs.ingestion.files import refuse_missing
from jobs.ingestion.path_taxonomies import grow_taxonomy
from jobs.ingestion.taxonomies import Category, read_taxonomy, store_taxonomy
from jobs.warehouse.inputs import has_table
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.successors import Successors
from schemas.tables import TAXONOMY
from udfs.categories import CategoryIndex, category_key

_UNKNOWN = 10
"""Number of unknown categories to show."""
_SIMILAR = 0.75
"""Similarity (`difflib`, 0 to 1) from which a category is proposed for another name."""


@dataclass(frozen=True)
class CategoryOptions:
    """What the command line says about categories.

    Attributes:
        taxonomy: the taxonomy file, if one is given.
        aliases: the mapping file, if one is given.
        from_paths: whether the delivery's categories extend the taxonomy.
    """

    taxonomy: str | None
    aliases: str | None
    from_paths: bool


@dataclass(frozen=True)
class GivenCategories:
    """The contents of the files.

    Attributes:
        taxonomy: the categories; None: the stored ones.
        aliases: alias -> category; None: the stored ones.
        from_paths: as in `CategoryOptions`.
        successors: what the taxonomy's categories replace, also names of former ones; None: as stored.
        replaced: number of former categories.
    """

    taxonomy: list[Category] | None
    aliases: dict[str, str] | None
    from_paths: bool
    successors: Successors | None = None
    replaced: int = 0


@dataclass(frozen=True)
class WrittenCategories:
    """What an ingest has written.

    Attributes:
        taxonomy_changed: whether the taxonomy is another one.
        added: category that the delivery has added -> number of its rows.
        replaced: number of former categories that the given taxonomy replaces.
        index: the names of all categories.
    """

    taxonomy_changed: bool
    added: Mapping[str, int]
    replaced: int
    index: CategoryIndex


def check_options(job: Job, options: CategoryOptions, *, dry_run: bool) -> None:
    """Check the options and that the files exist, before Spark starts. A dry run needs no taxonomy.

    Raises:
        UsageError: a file does not exist, or there would be no taxonomy.
    """
    if options.taxonomy is not None and options.from_paths:
        raise UsageError(
            "--taxonomy and --taxonomy-from-paths cannot be used together: load the taxonomy file first, then extend "
            "it with the next delivery."
        )
    for file in (options.taxonomy, options.aliases):
        if file is not None:
            refuse_missing(job, file)
    if dry_run:
        if options.aliases is not None and options.taxonomy is None:
            raise UsageError("--category-aliases can be tried with --dry-run only if --taxonomy is given, too.")
        return
    if options.taxonomy is None and not options.from_paths and not has_table(job.address, job.open, TAXONOMY):
        raise UsageError(
            f"{job.address.text} contains no taxonomy yet: give a taxonomy file with --taxonomy, or make one from the "
            "delivery's categories with --taxonomy-from-paths."
        )


def read_given(job: Job, options: CategoryOptions, copies: Copies) -> GivenCategories:
    """Read the files.

    Raises:
        UsageError: a file cannot be read or used.
    """
    form = job.settings.ingest.taxonomy_files
    taxonomy = aliases = successors = None
    replaced = 0
    if options.taxonomy is not None:
        taxonomy, former, names = read_taxonomy(job.spark, options.taxonomy, form, copies)
        successors, replaced = names | former, len(former)
    if options.aliases is not None:
        stored = job.warehouse.read(TAXONOMY).select("category").collect() if taxonomy is None else taxonomy
        aliases = read_alias_file(job.spark, options.aliases, {row[0] for row in stored}, form, copies)
    return GivenCategories(taxonomy, aliases, options.from_paths, successors, replaced)


def write_categories(
    warehouse: Warehouse, delivered: DataFrame, given: GivenCategories, settings: IngestSettings
) -> WrittenCategories:
    """Write the taxonomy, and what delivered categories stand for, where they have changed.

    Args:
        warehouse: the tables.
        delivered: rows of the delivery.
        given: what the command was given.
        settings: how categories are written.

    Raises:
        UsageError: the delivery's categories make no taxonomy.
    """
    taxonomy, added = given.taxonomy, dict[str, int]()
    if given.from_paths:
        growth = grow_taxonomy(warehouse, delivered, given.aliases, settings)
        taxonomy, added = growth.categories, dict(growth.added)
    changed = store_taxonomy(warehouse, taxonomy)
    index = update_aliases(warehouse, delivered, given.aliases, given.successors, settings)
    return WrittenCategories(changed, added, given.replaced, index)


def unknown_categories(rows: DataFrame, index: CategoryIndex, counted: str) -> Section:
    """The most frequent categories that the taxonomy lacks, each with the one that it looks like.

    Args:
        rows: the output of `with_taxonomy`.
        index: the names of the categories.
        counted: what the rows are, as the name of a column.
    """
    unknown = rows.where("category IS NOT NULL AND NOT in_taxonomy").groupBy("category").count()
    found = unknown.orderBy(F.desc("count"), "category").limit(_UNKNOWN).collect()
    return Section(
        "categories missing from the taxonomy",
        ("category", counted, "similar"),
        [(*row, _similar_category(row.category, index)) for row in found],
        key="categories that the taxonomy lacks",
    )


def _similar_category(name: str, index: CategoryIndex) -> str | None:
    """The category whose name looks most like a name that is no category's; None if none does."""
    found = difflib.get_close_matches(category_key(name), index.keys, n=1, cutoff=_SIMILAR)
    return index.keys[found[0]] if found else None
