"""Which version of a listing is in force: what a delivery brings against what is stored.

The newest `updated_at` wins; an older row changes nothing. Of rows of one time within a delivery one is chosen by
content, so that the order of rows never matters; against a stored row of the same time the stored one stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.errors import FailedError
from schemas.reasons import ImageStatus
from udfs.fingerprint import content_hash, joint_hash

_VALUES = ("category", "price", "seller_id", "image_uri")
STORED = ("listing_id", "updated_at", "withdrawn", "content_hash", "image_hash", *_VALUES)
"""What is looked at of the stored listings: no texts, no pictures."""


class Outcome(StrEnum):
    """What becomes of a delivered row: exactly one."""

    QUARANTINED = "quarantined"
    INSERTED = "inserted"
    UPDATED = "updated"
    RETURNED = "returned"
    """The stored version of a withdrawn listing, delivered again: it is in force again."""
    SUPERSEDED = "superseded"
    """A newer version is in the delivery, or stored."""
    CONFLICTING = "conflicting"
    """Of the same time as the stored version but with other values: the stored one stands."""
    UNCHANGED = "unchanged"


CURRENT = (Outcome.INSERTED, Outcome.UPDATED, Outcome.RETURNED)
"""Outcomes whose row is the listing's version in force after the delivery."""


def outcomes(delivered: DataFrame, stored: DataFrame) -> DataFrame:
    """Add `outcome` to every delivered row.

    A picture behind a URI has changed when its bytes differ from those of the last delivery. So a row of the stored
    time that differs in these bytes alone is an update; where they could not be read, nothing is known against the
    stored ones.

    Args:
        delivered: row_number, reasons, the values of a listing, text_hash, image_hash, content_hash, and picture
            (`ok` or why a URI could not be read; null where there was none to read).
        stored: the columns `STORED`, one row a listing.

    Returns:
        row_number, listing_id, outcome; one row a delivered row.
    """
    usable = F.size("reasons") == 0
    tie_break = joint_hash(*(F.col(c) for c in ("content_hash", *_VALUES)))
    order = Window.partitionBy("listing_id", usable).orderBy(
        F.col("updated_at").desc(), tie_break.desc(), F.col("row_number")
    )
    ranked = delivered.withColumn("rank", F.row_number().over(order))
    d, s = ranked.alias("d"), stored.select(*STORED).alias("s")
    joined = d.join(s, (F.col("d.listing_id") == F.col("s.listing_id")) & (F.col("d.rank") == 1) & usable, "left")
    outcome = (
        F.when(~usable, Outcome.QUARANTINED.value)
        .when(F.col("d.rank") > 1, Outcome.SUPERSEDED.value)
        .when(F.col("s.listing_id").isNull(), Outcome.INSERTED.value)
        .when(F.col("d.updated_at") > F.col("s.updated_at"), Outcome.UPDATED.value)
        .when(F.col("d.updated_at") < F.col("s.updated_at"), Outcome.SUPERSEDED.value)
        .otherwise(_of_one_time())
    )
    return joined.select("d.row_number", "d.listing_id", outcome.alias("outcome"))


def _of_one_time() -> Column:
    """The outcome of a row (`d`) whose time is the stored one's (`s`)."""
    with_stored_picture = content_hash(F.col("d.text_hash"), F.col("s.image_hash"))
    same_values = with_stored_picture == F.col("s.content_hash")
    for name in _VALUES:
        same_values &= F.col(f"d.{name}").eqNullSafe(F.col(f"s.{name}"))
    read = F.col("d.picture") == ImageStatus.OK.value
    unread = F.col("d.picture").isNotNull() & ~read
    same_picture = F.col("d.image_hash").eqNullSafe(F.col("s.image_hash"))
    return (
        F.when(F.coalesce("s.withdrawn", F.lit(False)), Outcome.RETURNED.value)
        .when(same_values & (same_picture | unread), Outcome.UNCHANGED.value)
        .when(same_values & read, Outcome.UPDATED.value)
        .otherwise(Outcome.CONFLICTING.value)
    )


def absent(stored: DataFrame, delivered: DataFrame) -> DataFrame:
    """Stored listings in force that a full delivery lacks: listing_id of each.

    A row that could not be used shows that its listing is still there. A listing that was changed after everything
    in the delivery is younger than the delivery, which says nothing of it.
    """
    newest = delivered.where(F.size("reasons") == 0).agg(F.max("updated_at").alias("newest"))
    in_force = stored.where(~F.coalesce("withdrawn", F.lit(False)))
    lacking = in_force.join(delivered.select("listing_id").distinct(), "listing_id", "left_anti")
    older = F.col("newest").isNull() | (F.col("updated_at") <= F.col("newest"))
    return lacking.crossJoin(F.broadcast(newest)).where(older).select("listing_id")


@dataclass(frozen=True)
class Account:
    """Where the rows of a delivery went.

    Attributes:
        rows_in: rows that were read.
        by_outcome: how many had each outcome; those of no row may be missing.
    """

    rows_in: int
    by_outcome: Mapping[str, int]

    def of(self, *wanted: Outcome) -> int:
        """Rows with one of the outcomes."""
        return sum(self.by_outcome.get(outcome.value, 0) for outcome in wanted)

    def counts(self) -> dict[str, int]:
        """As the run's row keeps them.

        Raises:
            FailedError: rows were lost or doubled.
        """
        account = {
            "rows_in": self.rows_in,
            "rows_current": self.of(*CURRENT),
            "rows_superseded": self.of(Outcome.SUPERSEDED, Outcome.CONFLICTING),
            "rows_unchanged": self.of(Outcome.UNCHANGED),
            "rows_quarantined": self.of(Outcome.QUARANTINED),
        }
        accounted = sum(account.values()) - self.rows_in
        if accounted != self.rows_in:
            raise FailedError(
                f"{self.rows_in:,} rows were read and {accounted:,} are accounted for ({account}): nothing was written."
            )
        named = (Outcome.INSERTED, Outcome.UPDATED, Outcome.RETURNED, Outcome.CONFLICTING)
        return account | {outcome.value: self.of(outcome) for outcome in named}
