"""Whether the tables that every job reads, listings and taxonomy, exist, and their newest versions."""

from __future__ import annotations

from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS, TAXONOMY


def require_listings(warehouse: Warehouse) -> None:
    """Check that something has been ingested. Call it before anything is written, even a lock.

    Otherwise a mistyped address would become a new warehouse.

    Raises:
        UsageError: the warehouse does not exist or contains no listings.
    """
    if not (warehouse.exists(LISTINGS) and warehouse.exists(TAXONOMY)):
        raise _no_listings(warehouse)


def input_versions(warehouse: Warehouse) -> tuple[int, int]:
    """The newest versions of listings and taxonomy.

    Raises:
        UsageError: the warehouse does not exist or contains no listings.
    """
    listings, taxonomy = warehouse.version(LISTINGS), warehouse.version(TAXONOMY)
    if listings is None or taxonomy is None:
        raise _no_listings(warehouse)
    return listings, taxonomy


def _no_listings(warehouse: Warehouse) -> UsageError:
    return UsageError(f"{warehouse.location} contains no listings: run `catalog-cleaner ingest` first.")
