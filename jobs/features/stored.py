"""Reads the table features."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.features.steps.selection import HAS_PICTURE, KEYS
from jobs.warehouse.tables import Warehouse
from schemas.reasons import ImageStatus
from schemas.tables import FEATURES


def stored_features(warehouse: Warehouse, identity: str) -> DataFrame:
    """All rows that an encoder has, including superseded ones. Read the vector only where it is needed."""
    return warehouse.read(FEATURES).where(F.col("encoder") == identity)


def read_features(warehouse: Warehouse, identity: str) -> DataFrame:
    """The vectors of an encoder, to be joined by listing_id and content_hash.

    A listing without a picture has no row. A listing may have further rows for its earlier content.

    Returns:
        listing_id, content_hash, vector (numbers of 16 bits, little-endian; null unless image_status is ok) and
        image_status (`schemas.reasons.ImageStatus`).
    """
    return stored_features(warehouse, identity).select(*KEYS, "vector", "image_status")


def with_vectors(warehouse: Warehouse, listings: DataFrame, identity: str) -> DataFrame:
    """Add the vectors of the listings' pictures, as an encoder has stored them.

    Args:
        warehouse: the tables.
        listings: listing_id, content_hash, image_hash, image_uri and any other columns.
        identity: the encoder's identity.

    Returns:
        The columns of `listings`, and vector and image_status as in `read_features`. A listing without a picture is
        `missing`, one whose picture has not been encoded `unreadable`.
    """
    joined = listings.join(read_features(warehouse, identity), KEYS, "left")
    unstored = F.when(F.expr(HAS_PICTURE), ImageStatus.UNREADABLE.value).otherwise(ImageStatus.MISSING.value)
    return joined.withColumn("image_status", F.coalesce("image_status", unstored))
