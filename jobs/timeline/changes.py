"""The changes from one publication to a later one, for a program that must apply each of them once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lifecycle.publications import Publication, publications_since
from jobs.timeline.steps.comparison import VALUES, state_changes
from jobs.warehouse.tables import Warehouse
from schemas.tables import CLEAN_LISTINGS

COLUMNS = (
    "position",
    "run_id",
    "run_date",
    "listing_id",
    "change",
    "effective_category",
    "previous_category",
    "category_source",
    "category_confidence",
)
_DDL = (
    "position INT, run_id STRING, run_date DATE, listing_id STRING, change STRING, effective_category STRING, "
    "previous_category STRING, category_source STRING, category_confidence DOUBLE"
)


def read_changes(warehouse: Warehouse, since: str, until: str | None = None) -> DataFrame:
    """Read how `effective_category` changed from one publication to a later one.

    The publications are compared in the order in which they were committed, each with the one before it. If all
    changes up to a position are applied to the state of `since`, the result is the state of the publication at this
    position: the same listings, each with the same effective_category.

    Args:
        warehouse: the warehouse.
        since: run id of the publication whose state is known.
        until: run id of the last publication to compare; default: the newest.

    Returns:
        position (1, 2, ... of the publications after `since`), run_id and run_date of the publication, listing_id,
        change (added, changed or removed), effective_category, previous_category, category_source,
        category_confidence (0 to 1). Values are null as `state_changes` describes. The rows are in no order; each pair
        of position and listing_id occurs once.

    Raises:
        UsageError: a run was not published, or `until` was committed before `since`, or a publication can no longer be
            read because Delta has removed its files (VACUUM). The message says how to start afresh.
    """
    return compare_publications(warehouse, publications_since(warehouse, since, until))


def compare_publications(warehouse: Warehouse, publications: Sequence[Publication]) -> DataFrame:
    """The rows of `read_changes` for the output of `publications_since`."""
    spark = warehouse.spark
    if len(publications) == 1:
        return spark.createDataFrame([], _DDL)
    newest = publications_since(warehouse, publications[-1].run_id)[-1].run_id
    states = (
        _kept_state(warehouse, publication, newest).select(F.lit(position).alias("position"), "listing_id", *VALUES)
        for position, publication in enumerate(publications)
    )
    changes = state_changes(reduce(DataFrame.unionByName, states), last=len(publications) - 1)
    runs = [(position, run.run_id, run.run_date) for position, run in enumerate(publications)]
    named = spark.createDataFrame(runs, "position INT, run_id STRING, run_date DATE")
    return changes.join(F.broadcast(named), "position").select(*COLUMNS)


def _kept_state(warehouse: Warehouse, publication: Publication, newest: str) -> DataFrame:
    """clean_listings of a publication; `newest`: the run id of the one that was committed last.

    Raises:
        UsageError: Delta has removed its files or its log.
    """
    way_out = (
        f'Start afresh: read the whole state with read_published(warehouse, "{CLEAN_LISTINGS.name}", "{newest}") of '
        f"jobs.store, then ask for the changes since {newest}."
    )
    return publication.read_kept(warehouse, CLEAN_LISTINGS, way_out)
