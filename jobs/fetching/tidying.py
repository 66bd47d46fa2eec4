"""Removes fetched pictures that no listing names any longer, and statuses of pictures that have been fetched since."""

from __future__ import annotations

from pyspark.sql import functions as F

from jobs.fetching.picture_folder import PictureFolder
from jobs.fetching.selection import is_at_server, outdated_features, unnamed
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS, PICTURE_FETCHES


def forget_unnamed(warehouse: Warehouse, folder: PictureFolder) -> int:
    """Remove the pictures, statuses and rows of addresses that no listing names any longer.

    The warehouse must be locked.

    Returns:
        The number of addresses with a picture or a status that was removed.
    """
    listings = warehouse.read(LISTINGS)
    spark, names = warehouse.spark, folder.names()
    needed = listings.where(is_at_server()).select(F.sha2("image_uri", 256).alias("name"))
    gone = spark.createDataFrame([(name,) for name in names], "name STRING").join(needed, "name", "left_anti")
    removed = [row.name for row in gone.collect()]
    folder.delete(removed)
    rows = unnamed(warehouse.read(PICTURE_FETCHES), listings)
    if not rows.isEmpty():
        merge = warehouse.table(PICTURE_FETCHES).alias("old").merge(rows.alias("gone"), "old.uri = gone.uri")
        merge.whenMatchedDelete().execute()
    return len(removed)


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
        same = " AND ".join(f"old.{name} = new.{name}" for name in FEATURES.key)
        merge = warehouse.table(FEATURES).alias("old").merge(outdated.alias("new"), same)
        merge.whenMatchedDelete().execute()
    return count
