"""Listings of an archive: which row counts, which member predicts it, and what a corrected copy contains."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingestion.steps.versions import Outcome

_COPIED = (
    "listing_id", "title", "description", "price", "currency", "condition", "exposure", "seller_id", "updated_at",
    "attributes", "image_uri", "image",
)  # fmt: skip
_FOUND = ("category_source", "category_action", "category_confidence", "best_category", "best_confidence", "reasons")


def newest_rows(delivered: DataFrame, outcomes: DataFrame) -> DataFrame:
    """The newest usable row of each listing.

    Args:
        delivered: the rows of the archive, with row_number.
        outcomes: the output of `jobs.ingestion.steps.versions.find_outcomes` without stored listings.
    """
    current = outcomes.where(F.col("outcome") == Outcome.INSERTED.value).select("row_number")
    return delivered.join(current, "row_number", "left_semi")


def with_buckets(rows: DataFrame, listings: DataFrame, own: Column) -> DataFrame:
    """Add the bucket by which the member is chosen that predicts a listing.

    The model may have learnt a listing of the catalogue that is the same, or has the same picture or title. Then it is
    predicted by the member that has not.

    Args:
        rows: listing_id, title and image_hash.
        listings: the table listings.
        own: the bucket of a listing that the catalogue does not have.
    """
    found = rows
    keys = {"listing_id": F.col("listing_id"), "image_hash": F.col("image_hash"), "title": _plain(F.col("title"))}
    for name, key in keys.items():
        stored = listings.select(key.alias(f"key_{name}"), "bucket").where(F.col(f"key_{name}").isNotNull())
        stored = stored.groupBy(f"key_{name}").agg(F.min("bucket").alias(f"bucket_{name}"))
        found = found.join(stored, key.eqNullSafe(F.col(f"key_{name}")) & key.isNotNull(), "left")
    chosen = F.coalesce(*(F.col(f"bucket_{name}") for name in keys), own)
    return found.withColumn("bucket", chosen).select(*rows.columns, "bucket")


def corrected_copy(delivered: DataFrame, decisions: DataFrame) -> DataFrame:
    """The archive with the categories to show, what the seller said, and why it was changed.

    Args:
        delivered: the newest usable row of each listing.
        decisions: rows of backfill_decisions.
    """
    found = decisions.select(
        "listing_id",
        F.col("effective_category").alias("category"),
        F.col("category").alias("seller_category"),
        *_FOUND,
    )
    return delivered.select(*_COPIED).join(found, "listing_id").select(*_COPIED[:3], *found.columns[1:], *_COPIED[3:])


def _plain(title: Column) -> Column:
    """A title without case and surrounding spaces; null if it is too short to identify a product."""
    plain = F.lower(F.trim(title))
    return F.when(F.char_length(plain) >= 10, plain)
