"""Which pictures are to be fetched, and what is out of date afterwards."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.fetched import is_at_server
from schemas.reasons import ImageStatus

LASTING = (ImageStatus.NOT_FOUND.value, ImageStatus.TOO_LARGE.value, ImageStatus.MISSING.value)
"""Statuses that a server has given and that readers of pictures learn; all others may be a matter of time."""


def pending(listings: DataFrame, fetches: DataFrame, tried_before: dt.datetime) -> DataFrame:
    """The addresses to ask, in an order that mixes the hosts.

    Args:
        listings: listings in force. One that has an image_hash was delivered with its picture, or it has been fetched.
        fetches: rows of picture_fetches.
        tried_before: addresses without a picture are asked again if they were asked before this time; at once those
            that were not allowed, because other settings may allow them.

    Returns:
        uri, each once.
    """
    named = listings.where(is_at_server() & F.col("image_hash").isNull()).select(F.col("image_uri").alias("uri"))
    recent = (F.col("fetched_at") >= F.lit(tried_before)) & (F.col("status") != ImageStatus.NOT_ALLOWED.value)
    settled = fetches.where((F.col("status") == ImageStatus.OK.value) | recent)
    return named.distinct().join(settled.select("uri"), "uri", "left_anti").orderBy(F.xxhash64("uri"), "uri")


def unnamed(fetches: DataFrame, listings: DataFrame) -> DataFrame:
    """Uri of the rows of picture_fetches that no listing names any longer.

    Args:
        fetches: rows of picture_fetches.
        listings: all listings, also withdrawn ones.
    """
    return fetches.select("uri").join(listings.select(F.col("image_uri").alias("uri")), "uri", "left_anti")


def outdated_features(features: DataFrame, listings: DataFrame, fetches: DataFrame) -> DataFrame:
    """The rows of features with a status that was read before the picture was asked for, and is another one now.

    Args:
        features: all rows.
        listings: listings in force.
        fetches: rows of picture_fetches.

    Returns:
        The key of features.
    """
    known = fetches.where(F.col("status").isin(ImageStatus.OK.value, *LASTING))
    known = known.select(F.col("uri").alias("image_uri"), "status", "fetched_at")
    unread = features.where("image_hash IS NULL").select(
        "listing_id", "content_hash", "encoder", "image_status", "encoded_at"
    )
    at_server = listings.where(is_at_server()).select("listing_id", "content_hash", "image_uri")
    joined = unread.join(at_server, ["listing_id", "content_hash"]).join(known, "image_uri")
    changed = (F.col("encoded_at") < F.col("fetched_at")) & (F.col("image_status") != F.col("status"))
    return joined.where(changed).select("listing_id", "content_hash", "encoder")
