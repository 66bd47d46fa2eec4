"""The catalogue as it was on a date, from the changes that deliveries made."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.features.steps.selection import KEYS

_WITHDRAWN = "withdrawn"


def version_spans(changes: DataFrame, deliveries: DataFrame) -> DataFrame:
    """Since when and until when each version of a listing was in force, by the dates of the deliveries.

    Args:
        changes: rows of listing_changes, with at least delivery_id, listing_id and change.
        deliveries: delivery_id, run_date and finished_at of the ingests that ended; one row per delivery.

    Returns:
        `changes` with valid_from (the date of the delivery), valid_until (the date of the next delivery that changed
        the listing; null if there is none) and withdrawn. A version that was replaced on the same date is left out.
    """
    dated = changes.join(F.broadcast(deliveries), "delivery_id")
    in_order = Window.partitionBy("listing_id").orderBy("finished_at", "delivery_id")
    spans = dated.withColumns(
        {
            "valid_from": F.col("run_date"),
            "valid_until": F.lead("run_date").over(in_order),
            "withdrawn": F.col("change") == _WITHDRAWN,
        }
    )
    lasting = F.col("valid_until").isNull() | (F.col("valid_until") > F.col("valid_from"))
    return spans.where(lasting).drop("run_date", "finished_at", "change")


def as_of(spans: DataFrame, date: dt.date) -> DataFrame:
    """The versions that were in force at the end of a date, including withdrawn listings; one row per listing."""
    day = F.lit(date)
    ended = F.coalesce(F.col("valid_until") <= day, F.lit(False))
    return spans.where((F.col("valid_from") <= day) & ~ended).drop("valid_from", "valid_until")


def sizes_by_date(spans: DataFrame, first: dt.date, last: dt.date) -> DataFrame:
    """Count the versions in force at the end of each date of a range.

    Returns:
        date, known (listings including withdrawn ones) and withdrawn; dates before the first delivery have no row.
    """
    until = F.least(F.coalesce(F.date_sub("valid_until", 1), F.lit(last)), F.lit(last))
    days = F.sequence(F.greatest("valid_from", F.lit(first)), until)
    dated = in_range(spans, first, last).select(F.explode(days).alias("date"), "withdrawn")
    return dated.groupBy("date").agg(F.count(F.lit(1)).alias("known"), F.count_if("withdrawn").alias("withdrawn"))


def first_met(spans: DataFrame, first: dt.date, last: dt.date) -> DataFrame:
    """The content of the listings in force on some date of a range: listing_id, content_hash and `as_of`.

    `as_of` is the first date of the range on which the listing has the content.
    """
    met = in_range(spans.where("NOT withdrawn"), first, last)
    return met.groupBy(*KEYS).agg(F.min(F.greatest("valid_from", F.lit(first))).alias("as_of"))


def in_range(spans: DataFrame, first: dt.date, last: dt.date) -> DataFrame:
    """The versions that were in force at the end of some date of a range."""
    lasted = F.coalesce(F.col("valid_until") > F.lit(first), F.lit(True))
    return spans.where((F.col("valid_from") <= F.lit(last)) & lasted)


def decided_by(decisions: DataFrame, date: dt.date) -> DataFrame:
    """The decisions that people had made by the end of a date, UTC."""
    return decisions.where(F.col("decided_at") < F.lit(dt.datetime.combine(date + dt.timedelta(days=1), dt.time())))


def content_to_judge(changes: DataFrame, wanted: DataFrame, listings: DataFrame, bucket: Column) -> DataFrame:
    """The texts of content, with what scoring needs to know about its listing.

    Args:
        changes: rows of listing_changes.
        wanted: listing_id and content_hash of the content.
        listings: the table listings. It gives the bucket, and the hash of the picture if the content is still that of
            the listing.
        bucket: the bucket of a listing that is no longer in `listings`.

    Returns:
        listing_id, content_hash, title, description, currency, image_uri, image_hash and bucket; one row per row of
        `wanted`.
    """
    texts = changes.select(*KEYS, "title", "description", "currency", "image_uri", "image_hash")
    texts = texts.join(wanted, KEYS, "left_semi")
    # Content that occurs in several deliveries has the same texts; the earliest rows lack the picture's hash.
    once = texts.groupBy(*KEYS).agg(
        F.first("title").alias("title"),
        F.first("description").alias("description"),
        F.max("currency").alias("currency"),
        F.max("image_uri").alias("image_uri"),
        F.max("image_hash").alias("image_hash"),
    )
    stored = listings.select(
        "listing_id",
        F.col("bucket").alias("stored_bucket"),
        F.col("content_hash").alias("stored_hash"),
        F.col("image_hash").alias("stored_image"),
    )
    same = F.col("content_hash") == F.col("stored_hash")
    return once.join(stored, "listing_id", "left").select(
        *KEYS,
        "title",
        "description",
        "currency",
        "image_uri",
        F.coalesce("image_hash", F.when(same, F.col("stored_image"))).alias("image_hash"),
        F.coalesce("stored_bucket", bucket).alias("bucket"),
    )


def differing(decisions: DataFrame, published: DataFrame) -> DataFrame:
    """Compare a day of a backfill with what the night of that date has published.

    Args:
        decisions: listing_id and effective_category, of the backfill.
        published: listing_id and effective_category, of clean_listings.

    Returns:
        One row: `compared`, the listings in both, and `differing`, those of them with another effective category.
    """
    theirs = published.select("listing_id", F.col("effective_category").alias("published"))
    both = decisions.select("listing_id", "effective_category").join(theirs, "listing_id")
    other = ~F.col("effective_category").eqNullSafe(F.col("published"))
    return both.agg(F.count(F.lit(1)).alias("compared"), F.count_if(other).alias("differing"))
