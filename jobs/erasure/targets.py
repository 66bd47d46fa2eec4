"""What is to be erased: the given listings and sellers, and the sellers' listings."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.job import Job
from jobs.erasure.id_files import read_ids
from jobs.erasure.names import Names
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import BACKFILL_DECISIONS, CLEAN_LISTINGS, LISTING_CHANGES, LISTINGS

LISTING, SELLER = "listing_id", "seller_id"
_SELLERS_OF = (CLEAN_LISTINGS, BACKFILL_DECISIONS, LISTING_CHANGES)
"""Where a listing's seller is kept besides the table listings. These and listings are rewritten last, so that an
erasure that was killed finds the listings of a seller again."""


def given_names(job: Job, listings: Collection[str], sellers: Collection[str], file: str | None) -> Names:
    """The ids of the command line and of a file; before Spark starts, unless the file is elsewhere.

    Raises:
        UsageError: there are none, there is no such file, or it is not certain which ids are in it.
    """
    found: Mapping[str, Collection[str]] = read_ids(job, file) if file is not None else {}
    given = (*listings, *found.get(LISTING, ())), (*sellers, *found.get(SELLER, ()))
    names = Names(*(frozenset(filter(None, map(str.strip, ids))) for ids in given))
    if not names.ids:
        raise UsageError("name what to erase: --listing ID, --seller ID or --file FILE with at least one id.")
    return names


def with_listings_of_sellers(warehouse: Warehouse, names: Names) -> Names:
    """Add the sellers' listings. One that has gone from one seller to another belongs to the present one."""
    if not names.sellers:
        return names
    sellers = id_frame(warehouse, SELLER, names.sellers)
    current = warehouse.read(LISTINGS).select(LISTING, SELLER)
    found = _values(current.join(sellers, SELLER, "left_semi"), LISTING)
    for table in _SELLERS_OF:
        earlier = warehouse.read(table).select(LISTING, SELLER).join(sellers, SELLER, "left_semi")
        found |= _values(earlier.join(current, LISTING, "left_anti"), LISTING)
    return Names(names.listings | found, names.sellers)


def id_frame(warehouse: Warehouse, column: str, ids: Collection[str]) -> DataFrame:
    """Ids as a frame with one column, to join with: in a condition they would enter Delta's log."""
    return warehouse.spark.createDataFrame([(each,) for each in sorted(ids)], f"{column} STRING")


def _values(rows: DataFrame, column: str) -> set[str]:
    chosen = rows.select(F.col(column).cast("string").alias("id")).where("id IS NOT NULL").distinct()
    return {row.id for row in chosen.collect()}
