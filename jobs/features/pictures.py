"""Reads the pictures to encode, and as few pictures of other listings as possible."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.features.steps.selection import KEYS, newest_change
from jobs.lifecycle.publications import publications
from jobs.warehouse.joins import broadcast_if_few
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTINGS


@dataclass(frozen=True)
class Pictures:
    """Where to read pictures.

    Attributes:
        listings: listings at the version that is encoded.
        changes: what has changed since an earlier version, with `_commit_version`, if that contains all wanted
            pictures; else None.
    """

    listings: DataFrame
    changes: DataFrame | None

    def read(self, wanted: DataFrame, rows: int) -> DataFrame:
        """The rows of listings with the wanted pictures.

        Args:
            wanted: listing_id, content_hash and `again`, as from `unencoded`; a part of those that were given to
                `find_pictures`.
            rows: approximate number of rows of `wanted`.
        """
        keys = wanted.select(*KEYS)
        if self.changes is None:
            return self.listings.join(broadcast_if_few(keys, rows), KEYS, "left_semi")
        unchanged = _unchanged(self.changes, wanted)
        # A picture that could not be read is given as a URI, so the stored pictures need not be read.
        retried = self.listings.drop("image").join(unchanged, KEYS, "left_semi")
        retried = retried.withColumn("image", F.lit(None).cast("binary"))
        return newest_change(self.changes, keys).unionByName(retried)


def find_pictures(warehouse: Warehouse, wanted: DataFrame, listings_version: int) -> Pictures:
    """Find out whether what has changed since the last publication contains all wanted pictures.

    Args:
        warehouse: the tables.
        wanted: listing_id, content_hash and `again`, as from `unencoded`.
        listings_version: Delta version of listings.
    """
    listings = warehouse.read(LISTINGS, listings_version)
    versions = [each.listings_version for each in publications(warehouse)]
    after = max((version for version in versions if version <= listings_version), default=None)
    changes = None if after is None else warehouse.changes(LISTINGS, after, listings_version)
    if changes is None or not _unchanged(changes, wanted).where("NOT again").isEmpty():
        return Pictures(listings, None)
    return Pictures(listings, changes)


def _unchanged(changes: DataFrame, wanted: DataFrame) -> DataFrame:
    return wanted.join(changes.select(*KEYS), KEYS, "left_anti")
