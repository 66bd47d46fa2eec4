"""Finds the current version of each listing: compares the rows of a batch with the stored listings.

The row with the newest `updated_at` wins. Of rows of a batch with the same time, the one with the most values wins:
shop exports have a row per variant, of which only the first has title and description. Remaining ties are broken by a
hash of the content, so the order of rows does not matter. A stored row wins over a delivered one with the same time.
"""

from __future__ import annotations

from enum import StrEnum
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import ImageStatus
from udfs.fingerprint import content_hash, joint_hash

_VALUES = ("category", "price", "seller_id", "image_uri")
_COUNTED = ("title", "description", *_VALUES, "image_hash", "currency", "condition", "exposure")
_EXTRAS = ("currency", "condition", "exposure", "attributes")
"""Values that may come with a new setting: a stored listing gets them from a row with its time."""
STORED = ("listing_id", "updated_at", "withdrawn", "content_hash", "image_hash", *_VALUES, *_EXTRAS)
"""Columns of stored listings that are compared. Texts and pictures are compared by their hashes."""


class Outcome(StrEnum):
    """What an ingest does with a row. Each row has exactly one outcome."""

    QUARANTINED = "quarantined"
    INSERTED = "inserted"
    UPDATED = "updated"
    RETURNED = "returned"
    """The stored version of a withdrawn listing was delivered again, so the listing is no longer withdrawn."""
    SUPERSEDED = "superseded"
    """The batch or the warehouse contains a newer version."""
    VARIANT = "variant"
    """Another row of the batch has the same listing and time but other values, and was preferred."""
    CONFLICTING = "conflicting"
    """It has the same time as the stored version but different values. The stored version is kept."""
    UNCHANGED = "unchanged"


CURRENT = (Outcome.INSERTED, Outcome.UPDATED, Outcome.RETURNED)
"""Outcomes of rows that become the current version of their listing."""


def find_outcomes(delivered: DataFrame, stored: DataFrame) -> DataFrame:
    """Find the outcome of every row.

    A picture behind a URI can change without a new `updated_at`. A row that has the stored time and values but other
    picture bytes is therefore an update. A picture that could not be read counts as unchanged.

    Args:
        delivered: row_number, reasons, the values of a listing, text_hash, image_hash, content_hash, and picture
            (`ok`, or why the URI could not be read; null if no URI was read).
        stored: the columns `STORED`, one row per listing.

    Returns:
        row_number, listing_id, outcome; one row per input row.
    """
    usable = F.size("reasons") == 0
    extras = F.to_json(F.struct(*_EXTRAS))
    tie_break = joint_hash(*(F.col(c) for c in ("content_hash", *_VALUES)), extras)
    listing = Window.partitionBy("listing_id", usable)
    order = listing.orderBy(
        F.col("updated_at").desc(), _filled().desc(), F.col("tie_break").desc(), F.col("row_number")
    )
    ranked = delivered.withColumn("tie_break", tie_break).withColumns(
        {
            "rank": F.row_number().over(order),
            "is_variant": (F.col("updated_at") == F.first("updated_at").over(order))
            & (F.col("tie_break") != F.first("tie_break").over(order)),
        }
    )
    d, s = ranked.alias("d"), stored.select(*STORED).alias("s")
    joined = d.join(s, (F.col("d.listing_id") == F.col("s.listing_id")) & (F.col("d.rank") == 1) & usable, "left")
    outcome = (
        F.when(~usable, Outcome.QUARANTINED.value)
        .when(F.col("d.is_variant"), Outcome.VARIANT.value)
        .when(F.col("d.rank") > 1, Outcome.SUPERSEDED.value)
        .when(F.col("s.listing_id").isNull(), Outcome.INSERTED.value)
        .when(F.col("d.updated_at") > F.col("s.updated_at"), Outcome.UPDATED.value)
        .when(F.col("d.updated_at") < F.col("s.updated_at"), Outcome.SUPERSEDED.value)
        .otherwise(_outcome_at_same_time())
    )
    return joined.select("d.row_number", "d.listing_id", outcome.alias("outcome"))


def _filled() -> Column:
    """How many values a row has; empty text is none."""
    counts = [F.when(F.length(F.col(name).cast("string")) > 0, 1).otherwise(0) for name in _COUNTED]
    return reduce(Column.__add__, counts, F.greatest(F.size("attributes"), F.lit(0)))


def _outcome_at_same_time() -> Column:
    """The outcome of a row `d` with the same time as the stored row `s`."""
    with_stored_picture = content_hash(F.col("d.text_hash"), F.col("s.image_hash"))
    same_values = with_stored_picture == F.col("s.content_hash")
    for name in _VALUES:
        same_values &= F.col(f"d.{name}").eqNullSafe(F.col(f"s.{name}"))
    same_extras = reduce(Column.__and__, [_same(F.col(f"d.{name}"), F.col(f"s.{name}")) for name in _EXTRAS])
    read = F.col("d.picture") == ImageStatus.OK.value
    unread = F.col("d.picture").isNotNull() & ~read
    same_picture = F.col("d.image_hash").eqNullSafe(F.col("s.image_hash"))
    return (
        F.when(F.coalesce("s.withdrawn", F.lit(False)), Outcome.RETURNED.value)
        .when(same_values & same_extras & (same_picture | unread), Outcome.UNCHANGED.value)
        .when(same_values & (read | ~same_extras), Outcome.UPDATED.value)
        .otherwise(Outcome.CONFLICTING.value)
    )


def _same(one: Column, other: Column) -> Column:
    """Whether two values are the same; a map is compared as text, because Spark does not compare maps."""
    return F.to_json(F.struct(one)).eqNullSafe(F.to_json(F.struct(other)))


def find_missing(stored: DataFrame, delivered: DataFrame) -> DataFrame:
    """Find the stored listings that are missing from a full batch.

    A listing whose row cannot be used is not missing. Neither is a listing that is newer than every row of the batch.

    Returns:
        listing_id.
    """
    newest = delivered.where(F.size("reasons") == 0).agg(F.max("updated_at").alias("newest"))
    in_force = stored.where(~F.coalesce("withdrawn", F.lit(False)))
    missing = in_force.join(delivered.select("listing_id").distinct(), "listing_id", "left_anti")
    older = F.col("newest").isNull() | (F.col("updated_at") <= F.col("newest"))
    return missing.crossJoin(F.broadcast(newest)).where(older).select("listing_id")
