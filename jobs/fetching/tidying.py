"""Removes fetched pictures that no listing names any longer, and statuses of pictures that have been fetched since."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.fetching.picture_folder import PictureFolder
from jobs.fetching.selection import outdated_features, unnamed
from jobs.warehouse.fetched import is_at_server
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS, PICTURE_FETCHES, Table


def recorded_folders(warehouse: Warehouse) -> set[str]:
    """The values that `fetch.folder` had when pictures were kept."""
    folders = warehouse.read(PICTURE_FETCHES).where("folder IS NOT NULL").select("folder").distinct()
    return {row.folder for row in folders.collect()}


def forget_unnamed(warehouse: Warehouse, folders: Iterable[PictureFolder]) -> int:
    """Remove the pictures, statuses and rows of addresses that no listing names any longer.

    The warehouse must be locked.

    Args:
        warehouse: the tables.
        folders: the folders from which they are removed.

    Returns:
        The number of addresses with a picture or a status that was removed.
    """
    listings = warehouse.read(LISTINGS)
    removed = 0
    needed = listings.where(is_at_server()).select(F.sha2("image_uri", 256).alias("name"))
    for folder in folders:
        names = warehouse.spark.createDataFrame([(name,) for name in folder.names()], "name STRING")
        gone = [row.name for row in names.join(needed, "name", "left_anti").collect()]
        folder.delete(gone)
        removed += len(gone)
    rows = unnamed(warehouse.read(PICTURE_FETCHES), listings)
    if not rows.isEmpty():
        _delete(warehouse, PICTURE_FETCHES, rows)
    return removed


def forget_outdated_features(warehouse: Warehouse) -> int:
    """Delete the rows of features that say of fetched pictures that they cannot be read, so that they are read again.

    The warehouse must be locked.

    Returns:
        The number of rows.
    """
    listings, fetches = narrow(warehouse.read(LISTINGS)), warehouse.read(PICTURE_FETCHES)
    outdated = outdated_features(warehouse.read(FEATURES), listings, fetches)
    count = outdated.count()
    if count:
        _delete(warehouse, FEATURES, outdated)
    return count


def _delete(warehouse: Warehouse, table: Table, keys: DataFrame) -> None:
    """Delete the rows with some keys."""
    same = " AND ".join(f"old.{name} = gone.{name}" for name in table.key)
    warehouse.table(table).alias("old").merge(keys.alias("gone"), same).whenMatchedDelete().execute()
