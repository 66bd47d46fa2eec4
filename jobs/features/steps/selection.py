"""Selects the pictures to encode, the rows of listings that contain them, and the vectors that are no longer needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from enum import StrEnum

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import ImageStatus

KEYS = ["listing_id", "content_hash"]
HAS_PICTURE = "image_hash IS NOT NULL OR image_uri IS NOT NULL"
"""A listing has a picture, or the address of one."""


class Change(StrEnum):
    """What happens to a row of features."""

    SUPERSEDE = "supersede"
    """It is no longer needed, and is kept for a while."""
    RESTORE = "restore"
    """It is needed again."""
    DELETE = "delete"


def unencoded(listings: DataFrame, features: DataFrame) -> DataFrame:
    """The pictures that an encoder has not encoded, or could not read although another attempt may succeed.

    These are the pictures whose store failed (`unreadable`), and those that `ingest` could read but the settings of the
    last attempt did not allow (`not_allowed`).

    Args:
        listings: listings in force.
        features: rows of the encoder.

    Returns:
        listing_id, content_hash, image_hash and `again`: whether it is another attempt.
    """
    joined = listings.where(HAS_PICTURE).select(*KEYS, "image_hash")
    joined = joined.join(features.select(*KEYS, "image_status"), KEYS, "left")
    failed = F.col("image_status") == ImageStatus.UNREADABLE.value
    refused = (F.col("image_status") == ImageStatus.NOT_ALLOWED.value) & F.col("image_hash").isNotNull()
    wanted = joined.where(F.col("image_status").isNull() | failed | refused)
    return wanted.select(*KEYS, "image_hash", F.col("image_status").isNotNull().alias("again"))


def copies(wanted: DataFrame, features: DataFrame) -> DataFrame:
    """The wanted pictures of which the encoder has encoded a picture with the same bytes.

    Args:
        wanted: as from `unencoded`. A picture that is known only by its address has no image_hash and is left out.
        features: rows of the encoder, including superseded ones.

    Returns:
        listing_id, content_hash, and of one row of features with the same picture `source` (its listing_id and
        content_hash) and encoded_at. A row with a vector is preferred, then the newest.
    """
    read = features.where(F.col("image_hash").isNotNull())
    read = read.join(wanted.select("image_hash").distinct(), "image_hash", "left_semi")
    best = F.struct((F.col("image_status") == ImageStatus.OK.value).alias("ok"), "encoded_at")
    source = F.max_by(F.struct(F.struct(*KEYS).alias("source"), "encoded_at"), best)
    return wanted.join(read.groupBy("image_hash").agg(source.alias("best")), "image_hash").select(*KEYS, "best.*")


def newest_change(changes: DataFrame, wanted: DataFrame) -> DataFrame:
    """The newest changed row of each wanted listing and content.

    Args:
        changes: rows of listings with `_commit_version`.
        wanted: listing_id and content_hash.
    """
    newest = Window.partitionBy(*KEYS).orderBy(F.col("_commit_version").desc())
    selected = changes.join(wanted, KEYS, "left_semi")
    return selected.withColumn("rank", F.row_number().over(newest)).where("rank = 1").drop("rank", "_commit_version")


def outdated(
    features: DataFrame, listings: DataFrame, in_use: Collection[str], deleted_before: dt.datetime, *, others: bool
) -> DataFrame:
    """The rows of features to mark, to restore or to delete.

    A row is needed while its content is that of the listing and its encoder is in use. Rows of listings that are no
    longer in the table listings are deleted at once.

    Args:
        features: all rows.
        listings: the current listings, including withdrawn ones.
        in_use: identities of encoders in use.
        deleted_before: rows that were superseded before this time are deleted.
        others: whether rows of other encoders are no longer needed; if false, they stay as they are.

    Returns:
        listing_id, content_hash, encoder and `change` (`Change`) of the rows that change.
    """
    current = listings.select("listing_id", F.col("content_hash").alias("current"))
    judged = features.select(*KEYS, "encoder", "superseded_at").join(current, "listing_id", "left")
    known = F.col("encoder").isin(*in_use)
    needed = (F.col("content_hash") == F.col("current")) & known
    marked = F.col("superseded_at").isNotNull()
    change = (
        F.when(F.col("current").isNull(), Change.DELETE.value)
        .when(needed & marked, Change.RESTORE.value)
        .when(F.col("superseded_at") < F.lit(deleted_before), Change.DELETE.value)
        .when(~needed & ~marked & (known | F.lit(others)), Change.SUPERSEDE.value)
    )
    return judged.select(*KEYS, "encoder", change.alias("change")).where("change IS NOT NULL")
