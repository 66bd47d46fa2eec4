"""Reads examples from a publication: a few dozen listings with the predictions of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from jobs.console.summary import Named
from jobs.reporting.figures import Change, named
from jobs.reporting.publication_snapshot import PublicationSnapshot
from schemas.reasons import CATEGORY_REASONS, CategoryAction, Queue, Reason
from schemas.tables import CLEAN_LISTINGS, EXPLANATIONS, FLAGGED_ITEMS, PREDICTIONS

CORRECTIONS = 9
WORK_LIST = 10
MISMATCHES = 6
PER_REASON = 2

CategoryProbability = tuple[Named, float]
"""A category and its probability, 0 to 1."""

_OTHER_REASONS = tuple(r for r in Reason if r.queue is Queue.OTHER and r is not Reason.IMAGE_MISMATCH)


@dataclass(frozen=True)
class Example:
    """A listing and the decision about it.

    Attributes:
        listing_id, title, seller_id: as delivered; title and seller_id are None if missing.
        seller_category: category given by the seller; None if missing.
        shown_category: the `effective_category`.
        confidence: posterior of shown_category, 0 to 1.
        suggestions: categories with their posterior, likeliest first; empty if the listing is not flagged.
        reasons: the reasons for which it is flagged, sorted by name; empty if it is not flagged.
        priority: priority on the work list; None if it is not flagged.
        text, image: predictions from the text alone and the picture alone; None if it has none.
        image_status: the condition of its picture.
        sentence: why another category is suggested; None if none is, or an earlier version has published it.
    """

    listing_id: str
    title: str | None
    seller_id: str | None
    seller_category: Named | None
    shown_category: Named | None
    confidence: float
    suggestions: tuple[CategoryProbability, ...]
    reasons: tuple[Reason, ...]
    priority: float | None
    text: CategoryProbability | None
    image: CategoryProbability | None
    image_status: str | None
    sentence: str | None = None

    @property
    def suggestion(self) -> CategoryProbability | None:
        """The likeliest category other than the seller's; None if there is none."""
        own = self.seller_category.code if self.seller_category else None
        return next((suggestion for suggestion in self.suggestions if suggestion[0].code != own), None)


@dataclass(frozen=True)
class Examples:
    """The examples of a publication, in lists of limited length.

    Attributes:
        corrections: one listing for each of the most frequent corrections, drawn by hash.
        work_list: open listings with the highest priority.
        referrals: two listings for each reason that asks about the category.
        mismatches: listings whose picture shows something else.
        others: two listings for each other reason.

    For a reason, listings without other reasons are preferred.
    """

    corrections: Sequence[Example]
    work_list: Sequence[Example]
    referrals: Sequence[Example]
    mismatches: Sequence[Example]
    others: Sequence[Example]

    @property
    def listing_ids(self) -> list[str]:
        """The distinct listing ids of all examples, in order."""
        groups = (self.corrections, self.work_list, self.referrals, self.mismatches, self.others)
        return list(dict.fromkeys(example.listing_id for group in groups for example in group))


def read_examples(snapshot: PublicationSnapshot, changes: Sequence[Change], names: Mapping[str, str]) -> Examples:
    """Choose the examples. The choice is deterministic.

    Args:
        snapshot: the publication.
        changes: the most frequent corrections.
        names: category code -> label.
    """
    corrected = _draw_corrections(snapshot, changes[:CORRECTIONS])
    flagged = _most_urgent(snapshot)
    work_list = [row.listing_id for row in flagged[:WORK_LIST]]
    asked = [i for reason in CATEGORY_REASONS for i in _first(flagged, reason, PER_REASON)]
    mismatches = _first(flagged, Reason.IMAGE_MISMATCH, MISMATCHES)
    others = [i for reason in _OTHER_REASONS for i in _first(flagged, reason, PER_REASON)]
    wanted = {*corrected, *work_list, *asked, *mismatches, *others}
    known = {row.listing_id: row for row in _details(snapshot, sorted(wanted)).collect()}
    flags = {row.listing_id: row for row in flagged}

    def examples(ids: Iterable[str]) -> list[Example]:
        return [_example(known[i], flags.get(i), names) for i in dict.fromkeys(ids) if i in known]

    return Examples(examples(corrected), examples(work_list), examples(asked), examples(mismatches), examples(others))


def read_listings(snapshot: PublicationSnapshot, listing_ids: Sequence[str], names: Mapping[str, str]) -> list[Example]:
    """Read some listings, at most a few dozen, without what the work list says about them.

    Args:
        snapshot: the publication.
        listing_ids: their ids; the result is in this order, without those that the publication lacks.
        names: category code -> label.
    """
    known = {row.listing_id: row for row in _details(snapshot, listing_ids).collect()} if listing_ids else {}
    return [_example(known[i], None, names) for i in listing_ids if i in known]


def _draw_corrections(snapshot: PublicationSnapshot, changes: Sequence[Change]) -> list[str]:
    """One listing for each change: the one with the lowest hash."""
    codes = [(c.seller_category.code if c.seller_category else None, c.corrected_category.code) for c in changes]
    clean = snapshot.read(CLEAN_LISTINGS).where(F.col("category_action") == CategoryAction.CORRECTED.value)
    pair = ["category", "effective_category"]
    drawn = (
        clean.where(F.col("effective_category").isin([code for _, code in codes]))
        .groupBy(*pair)
        .agg(F.min_by("listing_id", F.struct(F.xxhash64("listing_id"), "listing_id")).alias("listing_id"))
        .collect()
    )
    by_codes = {(row.category, row.effective_category): row.listing_id for row in drawn}
    return [by_codes[pair] for pair in codes if pair in by_codes]


def _most_urgent(snapshot: PublicationSnapshot) -> list[Row]:
    """The most urgent open listings of each combination of reasons, sorted by urgency."""
    rows = snapshot.read(FLAGGED_ITEMS).where("status = 'open'")
    urgency = (F.col("priority").desc(), F.col("listing_id").asc())
    ranked = rows.withColumn("place", F.row_number().over(Window.partitionBy("reasons").orderBy(*urgency)))
    first = ranked.where(F.col("place") <= WORK_LIST).orderBy(*urgency)
    return first.select("listing_id", "reasons", "suggested_categories", "priority").collect()


def _first(flagged: Sequence[Row], reason: Reason, count: int) -> list[str]:
    """The first listings with a reason; those without other reasons are preferred."""
    matching = sorted((row for row in flagged if reason in row.reasons), key=lambda row: len(row.reasons) > 1)
    return [row.listing_id for row in matching[:count]]


def _details(snapshot: PublicationSnapshot, listing_ids: Sequence[str]) -> DataFrame:
    clean = snapshot.read(CLEAN_LISTINGS).where(F.col("listing_id").isin(*listing_ids))
    keys = ["listing_id", "content_hash"]
    seen = ("text_category", "text_confidence", "image_category", "image_confidence", "image_status")
    # An applied backfill leaves listings that another model has judged.
    own = F.col("model_version") == snapshot.run.model_version
    predictions = snapshot.read(PREDICTIONS).where(F.col("listing_id").isin(*listing_ids))
    chosen = predictions.groupBy(*keys).agg(F.max_by(F.struct(*seen), own).alias("seen"))
    explained = snapshot.read(EXPLANATIONS).where(F.col("listing_id").isin(*listing_ids)).select(*keys, "sentence")
    return clean.join(chosen.select(*keys, "seen.*"), keys, "left").join(explained, keys, "left")


def _example(row: Row, flag: Row | None, names: Mapping[str, str]) -> Example:
    suggested = ((named(c.category, names), c.probability) for c in flag.suggested_categories or ()) if flag else ()
    return Example(
        listing_id=row.listing_id,
        title=row.title,
        seller_id=row.seller_id,
        seller_category=named(row.category, names),
        shown_category=named(row.effective_category, names),
        confidence=row.category_confidence,
        suggestions=tuple((category, probability) for category, probability in suggested if category),
        reasons=tuple(Reason(r) for r in flag.reasons) if flag else (),
        priority=flag.priority if flag else None,
        text=_prediction(row.text_category, row.text_confidence, names),
        image=_prediction(row.image_category, row.image_confidence, names),
        image_status=row.image_status,
        sentence=row.sentence,
    )


def _prediction(code: str | None, probability: float | None, names: Mapping[str, str]) -> CategoryProbability | None:
    category = named(code, names)
    return (category, probability) if category is not None and probability is not None else None
