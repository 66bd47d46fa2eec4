"""What the categories of a delivery would become: for the dry run of an ingest."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.job import Job
from jobs.console.summary import Section
from jobs.ingestion.aliases import derive_aliases, open_index
from jobs.ingestion.categories import CategoryOptions, GivenCategories, read_given, unknown_categories
from jobs.ingestion.copies import COPIES_OF_INGEST, open_copies
from jobs.ingestion.path_taxonomies import new_categories
from jobs.warehouse.listings import with_taxonomy
from schemas.tables import TAXONOMY

_ADDED = 20
"""Number of added categories to show."""


def read_options(job: Job, options: CategoryOptions) -> GivenCategories:
    """Read the files that are given.

    Raises:
        UsageError: a file cannot be read or used.
    """
    if options.taxonomy is None and options.aliases is None:
        return GivenCategories(None, None, options.from_paths)
    with open_copies(job.warehouse, COPIES_OF_INGEST) as copies:
        return read_given(job, options, copies)


def preview_categories(job: Job, rows: DataFrame, given: GivenCategories) -> list[Section]:
    """The categories that a given taxonomy lacks, and those that `--taxonomy-from-paths` would make without one.

    Args:
        job: the job.
        rows: cast rows of the delivery.
        given: the contents of the files.
    """
    usable = rows.where(F.size("reasons") == 0)
    taxonomy = job.spark.createDataFrame(given.taxonomy or [], TAXONOMY.ddl)
    index = open_index(taxonomy, given.successors or {}, given.aliases or {}, job.settings.ingest)
    sections = []
    if given.taxonomy is not None:
        known = with_taxonomy(usable, taxonomy, derive_aliases(usable, taxonomy, index))
        sections.append(unknown_categories(known, index, "rows"))
    if given.from_paths:
        names = usable.where("category IS NOT NULL").groupBy("category").count().collect()
        added = new_categories({row.category: row["count"] for row in names}, index)
        shown = sorted(added.items(), key=lambda each: (-each[1], each[0]))[:_ADDED]
        title = f"categories of a taxonomy made from these rows ({len(shown)} of {len(added)})"
        sections.append(Section(title, ("category", "rows"), shown, key="categories added"))
    return sections
