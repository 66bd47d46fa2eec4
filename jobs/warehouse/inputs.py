"""Whether the tables that every job reads, listings and taxonomy, exist, and their newest versions."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

from jobs.warehouse.address import Address
from jobs.warehouse.folders import LOG_FOLDER
from jobs.warehouse.listings import follow
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.successors import Successors
from schemas.tables import CATEGORY_ALIASES, LISTINGS, REVIEW_DECISIONS, TAXONOMY, Table


def require_listings(address: Address, open_warehouse: Callable[[], Warehouse]) -> None:
    """Check that something has been ingested. Call it before anything is written, even a lock.

    Otherwise a mistyped address would become a new warehouse.

    Args:
        address: the warehouse's address.
        open_warehouse: opens it; not called for a local folder, where the files tell.

    Raises:
        UsageError: the warehouse does not exist or contains no listings.
    """
    if not all(has_table(address, open_warehouse, table) for table in (LISTINGS, TAXONOMY)):
        raise _no_listings(address.text)


def has_table(address: Address, open_warehouse: Callable[[], Warehouse], table: Table) -> bool:
    """Whether a table exists; the arguments are those of `require_listings`."""
    if address.folder is None:
        return open_warehouse().exists(table)
    return any((address.folder / table.name / LOG_FOLDER).glob("[0-9]*"))


def input_versions(warehouse: Warehouse) -> tuple[int, int, int | None]:
    """The newest versions of listings, taxonomy and category_aliases; the last may not exist.

    Raises:
        UsageError: the warehouse does not exist or contains no listings.
    """
    listings, taxonomy = warehouse.version(LISTINGS), warehouse.version(TAXONOMY)
    if listings is None or taxonomy is None:
        raise _no_listings(warehouse.location)
    return listings, taxonomy, warehouse.version(CATEGORY_ALIASES)


def read_pinned(warehouse: Warehouse, table: Table, version: int | None) -> DataFrame:
    """Read a table at the version that a run has pinned; no rows if the version is None: the table did not exist."""
    return warehouse.empty(table) if version is None else warehouse.read(table, version)


def read_decisions(warehouse: Warehouse, version: int | None, successors: Successors) -> DataFrame:
    """Read what people have decided, in the categories of the taxonomy as it is now.

    Args:
        warehouse: the tables.
        version: the version of review_decisions that a run has pinned; None: there was none.
        successors: former categories, with those that have taken their places.
    """
    return follow(read_pinned(warehouse, REVIEW_DECISIONS, version), successors, "category", "published_category")


def _no_listings(location: str) -> UsageError:
    return UsageError(f"{location} contains no listings: run `catalog-cleaner ingest` first.")
