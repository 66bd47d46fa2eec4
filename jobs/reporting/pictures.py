"""Thumbnails of the examples' pictures, as they were when the run was published."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.reporting.publication_snapshot import PublicationSnapshot
from jobs.warehouse.fetched import picture_prefixes
from schemas.tables import LISTINGS
from udfs.thumbnails import THUMBNAIL, make_thumbnails

SIDE = 160
"""Length of the longer side of a thumbnail in pixels."""


def read_thumbnails(snapshot: PublicationSnapshot, listing_ids: Sequence[str], settings: Settings) -> dict[str, bytes]:
    """Read thumbnails of listings.

    Args:
        snapshot: the publication.
        listing_ids: a few dozen listings.
        settings: limits for reading pictures.

    Returns:
        listing_id -> JPEG; listings without a readable picture are left out.
    """
    prefixes = picture_prefixes(snapshot.warehouse, settings)
    shrink = make_thumbnails(SIDE, settings.picture.max_pixels, prefixes, settings.ingest.max_image_bytes)
    wanted = snapshot.read(LISTINGS).where(F.col("listing_id").isin(*listing_ids))
    rows = wanted.select("listing_id", "image", "image_uri").mapInArrow(shrink, THUMBNAIL).collect()
    return {row.listing_id: bytes(row.thumbnail) for row in rows if row.thumbnail is not None}
