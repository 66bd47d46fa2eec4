"""What the newest publication suggests for one listing, and the listings that speak for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from jobs.cleaning.steps.prices import usual_prices
from jobs.features.stored import stored_features
from jobs.reporting.publication_snapshot import PublicationSnapshot
from schemas.reasons import CategoryAction, CategorySource, ImageStatus, ItemStatus
from schemas.tables import ATTRIBUTE_SUGGESTIONS, CLEAN_LISTINGS, FLAGGED_ITEMS, PREDICTIONS
from udfs.similar_listings import most_similar

CATEGORIES = 3
"""The categories that are suggested at most."""
_SURE = 0.9
"""Confidence from which a listing may speak for its category."""
_COMPARED = 5_000
"""Listings of a category that are compared at most, chosen by hash; bounds the driver's memory."""


@dataclass(frozen=True)
class Suggestion:
    """A category that a listing may belong to.

    Attributes:
        category: the category.
        probability: its posterior, 0 to 1.
        price: its usual price in the listing's currency: median, lower and upper (the quartiles), and listings (how
            many prices); None if too few are known.
        similar: the listings of the category that are surely right and most like the listing, with listing_id,
            similarity (a cosine, 0 to 1), title, price and currency.
    """

    category: str
    probability: float
    price: Row | None = None
    similar: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True)
class ListingSuggestions:
    """What is suggested for a listing.

    Attributes:
        clean: its row of clean_listings.
        suggestions: the most probable categories, best first; empty if nothing is known of the listing.
        names: category -> name.
        attributes: what words and picture say about each attribute that the model has learnt: attribute, value and
            probability of the most probable value, and missing, whether it is suggested because the listing does not
            state the attribute.
    """

    clean: Row
    suggestions: Sequence[Suggestion] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    attributes: Sequence[Row] = ()


def read_suggestions(snapshot: PublicationSnapshot, listing_id: str, encoder: str) -> ListingSuggestions | None:
    """Read what a publication suggests for a listing; None if the publication does not have it.

    Args:
        snapshot: the publication.
        listing_id: the listing.
        encoder: the encoder of the publication's model; pictures are compared by its vectors.
    """
    listings, items = snapshot.read(CLEAN_LISTINGS), snapshot.read(FLAGGED_ITEMS)
    is_it = F.col("listing_id") == listing_id
    clean, item = listings.where(is_it).first(), items.where(is_it).first()
    if clean is None:
        return None
    ranked = list(item.suggested_categories or []) if item is not None else []
    if not ranked and clean.best_category is not None:
        ranked = [(clean.best_category, clean.best_confidence)]
    ranked = ranked[:CATEGORIES]
    others = listings.where(~is_it & F.col("effective_category").isin(*(category for category, _ in ranked)))
    same_currency = others.where(F.col("currency").eqNullSafe(F.lit(clean.currency)))
    prices = {row.effective_category: row.usual_price for row in usual_prices(same_currency).collect()}
    compared = _compared(snapshot, others, clean, encoder)
    is_own = pc.equal(compared.column("listing_id"), listing_id)
    own, sure = compared.filter(is_own), compared.filter(pc.invert(is_own))
    suggestions = [
        Suggestion(
            category,
            probability,
            prices.get(category),
            _similar(own, sure.filter(pc.equal(sure.column("effective_category"), category))),
        )
        for category, probability in ranked
    ]
    return ListingSuggestions(clean, suggestions, snapshot.names(), _attributes(snapshot, clean))


def _attributes(snapshot: PublicationSnapshot, clean: Row) -> list[Row]:
    """What `ListingSuggestions.attributes` has."""
    is_it = (F.col("listing_id") == clean.listing_id) & (F.col("content_hash") == clean.content_hash)
    by_model = snapshot.read(PREDICTIONS).where(is_it & (F.col("model_version") == snapshot.run.model_version))
    entries = by_model.select(F.explode("attributes").alias("found"))
    best = entries.groupBy("found.attribute").agg(
        F.max_by("found.value", "found.probability").alias("value"), F.max("found.probability").alias("probability")
    )
    suggested = snapshot.read(ATTRIBUTE_SUGGESTIONS).where(is_it).select("attribute", F.lit(True).alias("missing"))
    return best.join(suggested, "attribute", "left").fillna({"missing": False}).orderBy("attribute").collect()


def _compared(snapshot: PublicationSnapshot, others: DataFrame, clean: Row, encoder: str) -> pa.Table:
    """The listing and those it is compared with: listing_id, effective_category, title, price, currency and vector."""
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    agreed = (
        (F.col("category_action") == CategoryAction.KEPT.value)
        & F.col("best_category").eqNullSafe(F.col("category"))
        & (F.col("category_confidence") >= _SURE)
    )
    flagged = snapshot.read(FLAGGED_ITEMS).where(F.col("status") == ItemStatus.OPEN.value).select("listing_id")
    sure = others.where(by_person | agreed).join(flagged, "listing_id", "left_anti")
    place = F.row_number().over(Window.partitionBy("effective_category").orderBy(F.xxhash64("listing_id")))
    few = sure.withColumn("place", place).where(F.col("place") <= _COMPARED)
    columns = ["listing_id", "content_hash", "effective_category", "title", "price", "currency"]
    own = snapshot.warehouse.spark.createDataFrame(
        [tuple(clean[name] for name in columns)], others.select(*columns).schema
    )
    pictures = stored_features(snapshot.warehouse, encoder).where(F.col("image_status") == ImageStatus.OK.value)
    vectors = pictures.select("listing_id", "content_hash", "vector")
    return few.select(*columns).unionByName(own).join(vectors, ["listing_id", "content_hash"], "left").toArrow()


def _similar(own: pa.Table, others: pa.Table) -> list[dict[str, object]]:
    """What `Suggestion.similar` says of a listing, from the listings of one category."""
    shown = ["listing_id", "title", "price", "currency"]
    rows = {row["listing_id"]: row for row in others.select(shown).to_pylist()}
    [similar] = most_similar(own, others).column("similar").to_pylist()
    return [{**rows[each["listing_id"]], **each} for each in similar]
