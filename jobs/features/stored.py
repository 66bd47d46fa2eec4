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


def unread_formats(warehouse: Warehouse) -> DataFrame:
    """listing_id, content_hash and image_format of the pictures whose format is not read, one row each."""
    unread = warehouse.read(FEATURES).where(F.col("image_status") == ImageStatus.UNSUPPORTED_FORMAT.value)
    return unread.groupBy(*KEYS).agg(F.max("image_format").alias("image_format"))


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


def with_kept_vectors(warehouse: Warehouse, contents: DataFrame, identity: str) -> DataFrame:
    """Add the vectors of the pictures of earlier content, where an encoder still has them.

    If the vector of a content is no longer kept, that of a picture with the same bytes is used which the listing has
    with other content.

    Args:
        warehouse: the tables.
        contents: listing_id, content_hash, image_hash, image_uri and any other columns; one row per content.
        identity: the encoder's identity.

    Returns:
        The columns of `contents`, vector and image_status, as `with_vectors`. A picture without a vector is `not_kept`.
    """
    features = stored_features(warehouse, identity).select(*KEYS, "image_hash", "image_status", "vector")
    found = F.struct("image_status", "vector")
    exact = features.select(*KEYS, found.alias("exact"))
    picture = ["listing_id", "image_hash"]
    lacking = contents.where("image_hash IS NOT NULL").join(exact, KEYS, "left_anti").select(*picture).distinct()
    is_read = F.col("image_status") == ImageStatus.OK.value
    same = features.join(lacking, picture, "left_semi").groupBy(*picture).agg(F.max_by(found, is_read).alias("same"))
    joined = contents.join(exact, KEYS, "left").join(same, picture, "left")
    best = F.coalesce("exact", "same")
    unstored = F.when(F.expr(HAS_PICTURE), ImageStatus.NOT_KEPT.value).otherwise(ImageStatus.MISSING.value)
    return joined.withColumns(
        {"vector": best["vector"], "image_status": F.coalesce(best["image_status"], unstored)}
    ).drop("exact", "same")
