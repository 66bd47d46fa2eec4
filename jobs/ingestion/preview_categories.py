"""What the categories of a delivery would become: for the dry run of an ingest."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.job import Job
from jobs.console.summary import Section
from jobs.ingestion.aliases import derive_aliases, open_index
from jobs.ingestion.categories import CategoryOptions, GivenCategories, read_given, unknown_categories
from jobs.ingestion.copies import COPIES_OF_INGEST, open_copies
from jobs.ingestion.path_taxonomies import grow_taxonomy
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
    """The categories that a given taxonomy lacks, and those that `--taxonomy-from-paths` would add to the stored one.

    Args:
        job: the job.
        rows: cast rows of the delivery.
        given: the contents of the files.

    Raises:
        UsageError: the categories would make no taxonomy.
    """
    if given.from_paths:
        added = grow_taxonomy(job.warehouse, rows, given.aliases, job.settings.ingest).added
        shown = sorted(added.items(), key=lambda each: (-each[1], each[0]))[:_ADDED]
        stored = job.warehouse.read(TAXONOMY).count()
        lacking = (
            f"categories that the stored taxonomy of {stored:,} lacks" if stored else "categories of a new taxonomy"
        )
        return [
            Section(f"{lacking} ({len(shown)} of {len(added)})", ("category", "rows"), shown, key="categories added")
        ]
    if given.taxonomy is None:
        return []
    usable = rows.where(F.size("reasons") == 0)
    taxonomy = job.spark.createDataFrame(given.taxonomy, TAXONOMY.ddl)
    index = open_index(taxonomy, given.successors or {}, given.aliases or {}, job.settings.ingest)
    known = with_taxonomy(usable, taxonomy, derive_aliases(usable, taxonomy, index))
    return [unknown_categories(known, index, "rows")]
