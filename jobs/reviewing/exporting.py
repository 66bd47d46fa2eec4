"""Exports what is open in the newest publication, with small pictures, into the store of the review page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from types import MappingProxyType
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.cleaning.steps.attributes import likely_condition
from jobs.cleaning.steps.judged import judged_hashes
from jobs.console.job import Job, clock
from jobs.reporting.publication_snapshot import PublicationSnapshot, find_snapshot
from jobs.reviewing.database import Store
from jobs.reviewing.marking import mark_personal_data
from jobs.reviewing.opinions import still_wanted
from jobs.reviewing.outgoing import exported_run, remember_runs
from jobs.reviewing.shapes import (
    LARGE,
    SMALL,
    Category,
    Likely,
    OpenItem,
    Picture,
    Prices,
    Seller,
    Similar,
    Source,
    Suggested,
    question_about,
    write_export,
)
from jobs.reviewing.typical import typical_pictures
from jobs.warehouse.fetched import picture_prefixes
from schemas.metrics import ERROR_LEFT, MetricSource
from schemas.reasons import ItemStatus, Reason
from schemas.tables import (
    CATEGORY_ALIASES,
    CLEAN_LISTINGS,
    EXPLANATIONS,
    FLAGGED_ITEMS,
    LISTINGS,
    PREDICTIONS,
    RUNS,
    SELLERS,
    TAXONOMY,
)
from udfs.thumbnails import THUMBNAIL, make_thumbnails

SIDES = {LARGE: 640, SMALL: 240}
"""Longer side of a picture in pixels."""
_BESIDE = ("listing_id", "title", "description", "effective_category", "price")
_CLEAN = (
    "title", "description", "category", "price", "currency", "condition", "seller_id", "language", "best_category",
    "duplicate_of", "effective_category",
)  # fmt: skip


def export_open_items(job: Job, store: Store) -> int | None:
    """Export the newest publication, unless it is exported already.

    Returns:
        The number of questions; None if nothing was to be done.

    Raises:
        UsageError: nothing has been published yet.
        FailedError: the store cannot be written.
    """
    version = job.warehouse.version(RUNS)
    snapshot = find_snapshot(job.warehouse, None)
    if exported_run(store) == snapshot.run.run_id:
        remember_runs(store, version or 0)
        return None
    job.print_progress(f"exporting what is open in {snapshot.run.run_id} to {store.folder}")
    wanted = still_wanted(store, snapshot.run.run_date)
    items = open_items(snapshot, wanted).persist()
    try:
        count = write_export(
            store.folder,
            _source(snapshot),
            _categories(snapshot),
            export_pictures(job, snapshot, items),
            item_rows(items, job.settings.privacy.phone_regions, wanted),
        )
    finally:
        items.unpersist()
    remember_runs(store, version or 0)
    return count


def _source(snapshot: PublicationSnapshot) -> Source:
    metrics = snapshot.run.own_metrics(snapshot.warehouse)
    estimate = metrics.where(
        (F.col("metric") == ERROR_LEFT) & (F.col("dimension") == "all") & (F.col("source") == MetricSource.MODEL.value)
    ).first()
    return Source(
        snapshot.run.run_id,
        snapshot.run.run_date.isoformat(),
        clock().isoformat(timespec="seconds"),
        listings=None if estimate is None else int(estimate.denominator),
        wrong=None if estimate is None else estimate.numerator,
    )


def open_items(snapshot: PublicationSnapshot, wanted: Collection[str] = ()) -> DataFrame:
    """The open items, and settled ones of wanted listings, with what the page shows of them, except pictures."""
    again = snapshot.warehouse.spark.createDataFrame([(each,) for each in sorted(wanted)], "wanted_id STRING")
    items = snapshot.read(FLAGGED_ITEMS).join(F.broadcast(again), F.col("listing_id") == F.col("wanted_id"), "left")
    items = items.where((F.col("status") == ItemStatus.OPEN.value) | F.col("wanted_id").isNotNull())
    clean = snapshot.read(CLEAN_LISTINGS)
    explained = snapshot.read(EXPLANATIONS).select("listing_id", "content_hash", "sentence", "similar")
    sellers = snapshot.read(SELLERS).select(
        "seller_id", F.struct("listings", "error_rate", "lower", "upper").alias("seller")
    )
    predicted = snapshot.read(PREDICTIONS).where(F.col("model_version") == snapshot.run.model_version)
    predicted = predicted.select("listing_id", "content_hash", "personal_data", likely_condition())
    predicted = predicted.dropDuplicates(["listing_id"])
    own = items.select(
        "listing_id", "content_hash", "reasons", "suggested_categories", "priority", "audit_chance", "suggested_price",
        "status", F.coalesce("in_budget", F.lit(False)).alias("in_budget"),
    )  # fmt: skip
    joined = own.join(clean.select("listing_id", *_CLEAN), "listing_id").withColumn("judged", judged_hashes())
    joined = joined.join(explained, ["listing_id", "content_hash"], "left").join(sellers, "seller_id", "left")
    joined = joined.join(predicted, ["listing_id", "content_hash"], "left")
    older = clean.select(F.struct(*_BESIDE).alias("older"), F.col("listing_id").alias("duplicate_of"))
    joined = joined.join(older, "duplicate_of", "left")
    joined = joined.join(typical_pictures(joined, clean, _BESIDE), "effective_category", "left")
    return joined.join(_similar(joined, clean), "listing_id", "left")


def _similar(items: DataFrame, clean: DataFrame) -> DataFrame:
    """listing_id and `beside`: the similar listings with title, category and price, the most similar first."""
    each = items.select("listing_id", F.posexplode("similar").alias("place", "other"))
    others = clean.select(F.struct(*_BESIDE).alias("listing"), F.col("listing_id").alias("other_id"))
    found = each.withColumn("other_id", F.col("other.listing_id")).join(others, "other_id")
    beside = F.sort_array(F.collect_list(F.struct("place", F.col("other.similarity").alias("similarity"), "listing")))
    return found.groupBy("listing_id").agg(beside.alias("beside"))


def by_urgency(items: DataFrame) -> DataFrame:
    """The items in the order in which people should answer them."""
    return items.orderBy(F.desc("in_budget"), F.desc("priority"), "listing_id")


def item_rows(
    items: DataFrame, regions: tuple[str, ...], wanted: Mapping[str, Set[str]] = MappingProxyType({})
) -> Iterator[OpenItem]:
    """The items as the export takes them, the most urgent first, one partition at a time.

    Args:
        items: the output of `open_items`.
        regions: `privacy.phone_regions`.
        wanted: listing_id -> judged hashes of settled questions that people are asked again; no others are.
    """
    for row in by_urgency(items).toLocalIterator():
        is_open = row.status == ItemStatus.OPEN.value
        reasons = list(row.reasons) if is_open else _reasons_of(row, wanted.get(row.listing_id, frozenset()))
        if reasons:
            yield _item(row, reasons, regions)


def _reasons_of(row: Row, judged_hashes: Set[str]) -> list[str]:
    """An item's reasons that questions with some hashes are about."""
    asked = {question for question, judged in row.judged.items() if judged in judged_hashes}
    return [name for name in row.reasons if question_about(name) in asked]


def _item(row: Row, reasons: list[str], regions: tuple[str, ...]) -> OpenItem:
    has_personal_data = Reason.PERSONAL_DATA.value in reasons
    marks = (
        mark_personal_data(row.title, row.description, row.language, row.currency, regions) if has_personal_data else []
    )
    return OpenItem(
        listing_id=row.listing_id,
        content_hash=row.content_hash,
        reasons=reasons,
        title=row.title,
        description=row.description,
        category=row.category,
        price=_number(row.price),
        currency=row.currency,
        condition=row.condition,
        seller=None if row.seller is None else Seller(row.seller_id, **row.seller.asDict()),
        language=row.language,
        suggested=[Suggested(each.category, each.probability) for each in row.suggested_categories or ()],
        best_category=row.best_category,
        sentence=row.sentence,
        similar=[_beside(each.listing, each.similarity) for each in row.beside or ()],
        duplicate=None if row.older is None else _beside(row.older, None),
        fitting=[_beside(each.listing, None) for each in _fitting(row, reasons)],
        personal_data=list(row.personal_data or ()) if has_personal_data else [],
        marks=marks,
        prices=None if row.suggested_price is None else Prices(**row.suggested_price.asDict()),
        audit_chance=row.audit_chance,
        priority=row.priority,
        likely_condition=_likely_condition(row, reasons),
        judged=dict(row.judged),
    )


def _likely_condition(row: Row, reasons: list[str]) -> Likely | None:
    """What words and picture suggest, if the condition is asked about."""
    is_asked = Reason.CONDITION_MISMATCH.value in reasons and row.likely_condition is not None
    return Likely(row.likely_condition["value"], row.likely_condition["probability"]) if is_asked else None


def _fitting(row: Row, reasons: list[str]) -> list[Row]:
    """The listings with fitting pictures, if the item's is asked about."""
    return list(row.fitting or ()) if Reason.IMAGE_MISMATCH.value in reasons else []


def _beside(listing: Row, similarity: float | None) -> Similar:
    return Similar(
        listing.listing_id,
        listing.title,
        listing.effective_category,
        _number(listing.price),
        similarity,
        listing.description if similarity is None else None,
    )


def _number(price: float | None) -> float | None:
    """The price; None also for NaN, as it stands for a missing one."""
    return None if price is None or price != price else price  # noqa: PLR0124 - only NaN differs from itself


def export_pictures(job: Job, snapshot: PublicationSnapshot, items: DataFrame) -> Iterator[Picture]:
    """Pictures of the open items, and small ones of what is shown beside them; the executors shrink them."""
    older = items.where("duplicate_of IS NOT NULL").select(F.col("duplicate_of").alias("listing_id"))
    large = items.select("listing_id").unionByName(older).distinct()
    small = items.select(F.explode("similar.listing_id").alias("listing_id"))
    doubtful = items.where(F.array_contains("reasons", Reason.IMAGE_MISMATCH.value))
    small = small.unionByName(doubtful.select(F.explode("fitting.listing.listing_id").alias("listing_id"))).distinct()
    for size, wanted in ((LARGE, large), (SMALL, small)):
        shrink = make_thumbnails(
            SIDES[size],
            job.settings.picture.max_pixels,
            picture_prefixes(job.warehouse, job.settings),
            job.settings.ingest.max_image_bytes,
        )
        listings = snapshot.read(LISTINGS).select("listing_id", "image", "image_uri").where(_has_picture())
        shrunk = listings.join(F.broadcast(wanted), "listing_id", "left_semi").mapInArrow(shrink, THUMBNAIL)
        for row in shrunk.where("thumbnail IS NOT NULL").toLocalIterator():
            yield Picture(row.listing_id, size, bytes(row.thumbnail))


def _has_picture() -> Column:
    return F.col("image").isNotNull() | F.col("image_uri").isNotNull()


def _categories(snapshot: PublicationSnapshot) -> list[Category]:
    rows = snapshot.read(TAXONOMY).collect()
    labels = {row.category: row.label or row.category for row in rows}
    parents = {row.category: row.parent for row in rows}
    synonyms: dict[str, list[str]] = {}
    for row in snapshot.read(CATEGORY_ALIASES).collect() if snapshot.warehouse.exists(CATEGORY_ALIASES) else ():
        synonyms.setdefault(row.category, []).append(row.alias)
    return [
        Category(
            row.category,
            labels[row.category],
            _path(row.category, parents, labels, row.department),
            row.department,
            synonyms.get(row.category, []),
        )
        for row in rows
    ]


def _path(category: str, parents: Mapping[str, Any], labels: Mapping[str, str], department: str | None) -> str:
    """The labels from the top to the category; without parents, after the department."""
    path, above = [labels[category]], parents.get(category)
    while above is not None and above in labels and labels[above] not in path:
        path.insert(0, labels[above])
        above = parents.get(above)
    if len(path) == 1 and department not in (None, category, path[0]):
        path.insert(0, str(department))
    return " > ".join(path)
