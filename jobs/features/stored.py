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


def picture_statuses(warehouse: Warehouse, identity: str) -> DataFrame:
    """listing_id, content_hash and image_status of the pictures that an encoder has encoded or tried to read."""
    return stored_features(warehouse, identity).select(*KEYS, "image_status")


def written_since(features: DataFrame, micros: int | None) -> DataFrame:
    """The rows that were written since a time, microseconds since 1970; None: none. Files of earlier rows are skipped.

    Delta keeps the least and greatest time of each file.
    """
    return features.where(F.col("encoded_at") >= F.timestamp_micros(F.lit(micros).cast("bigint")))


def with_vectors(
    warehouse: Warehouse, listings: DataFrame, identity: str, *, few: DataFrame | None = None
) -> DataFrame:
    """Add the vectors of the listings' pictures, as an encoder has stored them.

    Args:
        warehouse: the tables.
        listings: listing_id, content_hash, image_hash, image_uri and any other columns.
        identity: the encoder's identity.
        few: listing_id and content_hash of the listings, if they are a small part of the catalogue. Then only the files
            are read that were written since the first of their pictures was encoded; a query finds out when.

    Returns:
        The columns of `listings`, vector (numbers of 16 bits, little-endian; null unless image_status is ok) and
        image_status (`schemas.reasons.ImageStatus`). A listing without a picture is `missing`, one whose picture has
        not been encoded `unreadable`.
    """
    features = stored_features(warehouse, identity)
    if few is not None:
        first = features.join(few, KEYS, "left_semi").agg(F.min(F.unix_micros("encoded_at"))).first()
        features = written_since(features, None if first is None else first[0])
    joined = listings.join(features.select(*KEYS, "vector", "image_status"), KEYS, "left")
    unstored = F.when(F.expr(HAS_PICTURE), ImageStatus.UNREADABLE.value).otherwise(ImageStatus.MISSING.value)
    return joined.withColumn("image_status", F.coalesce("image_status", unstored))
