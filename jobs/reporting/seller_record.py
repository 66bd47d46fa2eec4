"""Reads what a publication says about one seller, for a letter. Only a limited number of rows is collected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.quality import POINTS
from jobs.console.summary import Estimate
from jobs.reporting.examples import Example, read_listings
from jobs.reporting.figures import Change, named
from jobs.reporting.publication_snapshot import PublicationSnapshot
from schemas.errors import UsageError
from schemas.reasons import CategorySource, ItemStatus, Queue, Reason
from schemas.tables import CLEAN_LISTINGS, FLAGGED_ITEMS, SELLERS

SHOWN_CHANGES = 20
"""Number of changed listings that a letter names."""


@dataclass(frozen=True)
class ChangedListing:
    """A listing that is shown in another category than the seller's.

    Attributes:
        example: the listing with the predictions of the model.
        by_person: whether a person has decided the category.
    """

    example: Example
    by_person: bool


@dataclass(frozen=True)
class SellerRecord:
    """What a publication says about a seller.

    Attributes:
        seller_id: as delivered.
        run_id, run_date: the publication.
        listings: number of listings of the seller, at least 1.
        changed: number of those that are shown in another category than the seller's.
        without_category: number of those among `changed` for which the seller gave no category.
        changes: the changed listings with the highest confidence.
        mistakes: the most frequent pairs of the seller's category and the one that is shown, most frequent first.
        error_rate: the model's estimate of the share of wrong labels; None if no label is in the taxonomy.
        trend: difference of that share between recent and earlier listings, -1 to 1; None if it is within chance.
        reasons: open reasons -> number of listings, most frequent first, without the audit.
        quality: mean quality_score, 0 to 100.
        parts: column with a part of the quality score -> mean points; parts that the publication lacks are left out.
    """

    seller_id: str
    run_id: str
    run_date: dt.date
    listings: int
    changed: int
    without_category: int
    changes: Sequence[ChangedListing]
    mistakes: Sequence[Change]
    error_rate: Estimate | None
    trend: float | None
    reasons: Mapping[Reason, int]
    quality: float
    parts: Mapping[str, float]


def read_seller(snapshot: PublicationSnapshot, seller_id: str, names: Mapping[str, str]) -> SellerRecord:
    """Read what a publication says about a seller.

    Args:
        snapshot: the publication.
        seller_id: as delivered, without the spaces around it.
        names: category code -> label.

    Raises:
        UsageError: the publication has no listing of the seller.
    """
    own = snapshot.read(CLEAN_LISTINGS).where(F.col("seller_id") == seller_id)
    is_changed = ~F.col("effective_category").eqNullSafe(F.col("category"))
    is_changed &= F.col("category_source") != CategorySource.SELLER.value
    [totals] = own.agg(
        F.count(F.lit(1)).alias("listings"),
        F.count_if(is_changed).alias("changed"),
        F.count_if(is_changed & F.col("category").isNull()).alias("without_category"),
        *(F.avg(name).alias(name) for name in ("quality_score", *POINTS)),
    ).collect()
    if not totals.listings:
        raise UsageError(
            f"--seller {seller_id!r}: the publication of {snapshot.run.run_id} has no listing of this seller. Write "
            "the id as it was delivered, in the same case; column seller_id of table clean_listings has all of them."
        )
    rates = snapshot.read(SELLERS).where(F.col("seller_id") == seller_id).first()
    pairs = [(pair, named(pair.our_category, names)) for pair in (rates and rates.mistakes) or ()]
    # Only a difference beyond chance is a trend that one should tell a seller.
    is_trend = rates is not None and rates.trend is not None and (rates.trend_lower > 0 or rates.trend_upper < 0)
    return SellerRecord(
        seller_id=seller_id,
        run_id=snapshot.run.run_id,
        run_date=snapshot.run.run_date,
        listings=totals.listings,
        changed=totals.changed,
        without_category=totals.without_category,
        changes=_changes(snapshot, own.where(is_changed), names),
        mistakes=[Change(named(pair.seller_category, names), ours, pair.listings) for pair, ours in pairs if ours],
        error_rate=Estimate(rates.error_rate, rates.lower, rates.upper) if rates else None,
        trend=rates.trend if rates is not None and is_trend else None,
        reasons=_reasons(snapshot, own),
        quality=totals.quality_score or 0.0,
        parts={name: totals[name] for name in POINTS if totals[name] is not None},
    )


def _changes(snapshot: PublicationSnapshot, changed: DataFrame, names: Mapping[str, str]) -> list[ChangedListing]:
    surest = changed.orderBy(F.col("category_confidence").desc(), "listing_id").limit(SHOWN_CHANGES)
    sources = {row.listing_id: row.category_source for row in surest.select("listing_id", "category_source").collect()}
    examples = read_listings(snapshot, list(sources), names)
    return [ChangedListing(each, sources[each.listing_id] == CategorySource.REVIEWER.value) for each in examples]


def _reasons(snapshot: PublicationSnapshot, own: DataFrame) -> dict[Reason, int]:
    items = snapshot.read(FLAGGED_ITEMS).where(F.col("status") == ItemStatus.OPEN.value)
    mine = items.join(own.select("listing_id"), "listing_id", "left_semi").select(F.explode("reasons").alias("reason"))
    counts = {Reason(row.reason): row.n for row in mine.groupBy("reason").agg(F.count("reason").alias("n")).collect()}
    shown = ((reason, n) for reason, n in counts.items() if reason.queue is not Queue.AUDIT)
    return dict(sorted(shown, key=lambda item: (-item[1], item[0].value)))
