"""What an export consists of, as plain values, and the pure function that writes it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jobs.reviewing.database import EXPORT_FORMAT, new_export
from schemas.decisions import CATEGORY_QUESTION
from schemas.reasons import ANSWERED_BY_CATEGORY, CATEGORY_REASONS, Reason

AUDIT_QUESTION = "audit"
"""The question about the category where it is asked blind."""
ABOUT_CATEGORY = (CATEGORY_QUESTION, AUDIT_QUESTION)
"""The questions about the category; they stand for each other."""
LARGE, SMALL = "large", "small"
"""Sizes of pictures."""


@dataclass(frozen=True)
class Category:
    """A category of the taxonomy. `synonyms` are other names that it is found by."""

    category: str
    label: str
    path: str
    department: str | None = None
    synonyms: Sequence[str] = ()


@dataclass(frozen=True)
class Suggested:
    """A suggested category with its probability, 0 to 1."""

    category: str
    probability: float


@dataclass(frozen=True)
class Similar:
    """A listing like the one in question. `similarity` is a cosine, 0 to 1; None for an older duplicate."""

    listing_id: str
    title: str | None
    category: str | None
    price: float | None = None
    similarity: float | None = None
    description: str | None = None


@dataclass(frozen=True)
class Seller:
    """A seller's record: labelled listings, the estimated share of wrong labels and its interval, 0 to 1."""

    seller_id: str
    listings: int
    error_rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Likely:
    """The most probable value of an attribute, with its probability, 0 to 1."""

    value: str
    probability: float


@dataclass(frozen=True)
class Prices:
    """The usual prices of a category and currency: median, quartiles, and how many prices."""

    median: float
    lower: float
    upper: float
    listings: int


@dataclass(frozen=True)
class OpenItem:
    """A listing with open reasons; what is not known is None or empty.

    Attributes:
        reasons: names of the open reasons.
        priority: as in flagged_items; items come in the order in which they are given.
        suggested: by posterior, the most probable first.
        personal_data: kinds of personal data in the texts.
        marks: places of personal data: "title" or "description", start and end.
        duplicate: the older listing that offers the same product.
        fitting: listings of its category whose pictures fit, where the picture is asked about.
        audit_chance: the chance of being drawn; None outside the audit.
        best_category: the category that the decision accept means.
        prices: the usual ones of its category, where the price is asked about.
        likely_condition: what words and picture suggest, where the condition is asked about.
        judged: question -> hash of the values that an answer judges (`jobs.cleaning.steps.judged.judged_hashes`).
    """

    listing_id: str
    content_hash: str
    reasons: Sequence[str]
    title: str | None = None
    description: str | None = None
    category: str | None = None
    price: float | None = None
    currency: str | None = None
    condition: str | None = None
    seller: Seller | None = None
    language: str | None = None
    suggested: Sequence[Suggested] = ()
    best_category: str | None = None
    sentence: str | None = None
    similar: Sequence[Similar] = ()
    duplicate: Similar | None = None
    fitting: Sequence[Similar] = ()
    personal_data: Sequence[str] = ()
    marks: Sequence[tuple[str, int, int]] = ()
    prices: Prices | None = None
    likely_condition: Likely | None = None
    audit_chance: float | None = None
    priority: float | None = None
    judged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture of a listing, decoded and written anew as a JPEG; `size` is `LARGE` or `SMALL`."""

    listing_id: str
    size: str
    jpeg: bytes


@dataclass(frozen=True)
class Source:
    """The publication that is exported, and when.

    Attributes:
        listings, wrong: how many listings it has, and how many of them the model expects in a wrong category; None if
            unknown.
    """

    run_id: str
    run_date: str
    exported_at: str
    listings: int | None = None
    wrong: float | None = None


@dataclass(frozen=True)
class Question:
    """A question about a listing.

    `wrong` is the probability that the seller's category is wrong; None if it is asked blind, or there is none.
    """

    question: str
    reasons: Sequence[str]
    judged_hash: str
    audit_chance: float | None = None
    wrong: float | None = None
    is_blind: bool = field(default=False)


def questions(item: OpenItem) -> list[Question]:
    """The questions about an item: first the one about the category, blind if it was drawn for the audit."""
    about_category = [name for name in item.reasons if name in ANSWERED_BY_CATEGORY]
    asked = []
    if about_category:
        blind = Reason.AUDIT_SAMPLE.value in about_category
        # Of a blind question, a search for its listing would tell; a seller who gave no category gave no wrong one.
        is_told = not blind and item.category is not None and set(about_category) & set(CATEGORY_REASONS)
        wrong = item.priority if is_told else None
        asked.append(
            Question(
                AUDIT_QUESTION if blind else CATEGORY_QUESTION,
                about_category,
                item.judged[CATEGORY_QUESTION],
                item.audit_chance if blind else None,
                None if wrong is None else min(max(wrong, 0.0), 1.0),
                blind,
            )
        )
    others = [name for name in item.reasons if name not in about_category]
    return asked + [Question(name, [name], item.judged[name]) for name in others]


def question_about(reason: str) -> str:
    """The question that is asked about a reason, blind or not."""
    return CATEGORY_QUESTION if reason in ANSWERED_BY_CATEGORY else reason


def same_questions(question: str) -> tuple[str, ...]:
    """The names under which a question may be open by now."""
    return ABOUT_CATEGORY if question in ABOUT_CATEGORY else (question,)


def sought(text: str) -> str:
    """A text as it is searched for: without accents, case and doubled spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def write_export(
    folder: Path,
    source: Source,
    categories: Sequence[Category],
    pictures: Iterable[Picture],
    items: Iterable[OpenItem],
) -> int:
    """Write an export that replaces the last one.

    Args:
        folder: the store.
        source: where it comes from.
        categories: the taxonomy.
        pictures: large ones of the open items, and small ones of listings beside them. They are read once.
        items: the open items, the most urgent first. They are read once, after the pictures.

    Returns:
        The number of questions.

    Raises:
        FailedError: it cannot be written.
    """
    departments = {each.category: each.department for each in categories}
    place = 0
    with new_export(folder) as insert:
        insert("meta", [("format", str(EXPORT_FORMAT)), *asdict(source).items()])
        insert(
            "categories",
            [
                (
                    c.category,
                    c.label,
                    c.path,
                    c.department,
                    sought(" ".join([c.label, c.path, c.category, *c.synonyms])),
                )
                for c in categories
            ],
        )
        digests = {}
        for each in pictures:
            digest = hashlib.sha256(each.jpeg).hexdigest()[:16]
            insert("pictures", [(each.listing_id, each.size, digest, each.jpeg)])
            if each.size == LARGE:
                digests[each.listing_id] = digest
        for item in items:
            seller = item.seller.seller_id if item.seller else None
            view = json.dumps({**asdict(item), "picture": digests.get(item.listing_id)})
            insert("listings", [(item.listing_id, item.content_hash, seller, item.language, view)])
            insert("texts", [(item.listing_id, item.title, item.description)])
            for asked in questions(item):
                # A filter by category must not say what the blind question hides.
                category = None if asked.is_blind else item.category
                suggested, share = _suggested(item) if asked.question == CATEGORY_QUESTION else (None, None)
                row = (item.listing_id, asked.question, asked.judged_hash, asked.audit_chance, asked.wrong)
                about = (category, suggested, share, departments.get(category) if category else None)
                insert("questions", [(place, *row, *about, seller, item.language, _draw(item.listing_id))])
                insert("reasons", [(name, place) for name in asked.reasons if not asked.is_blind or _is_audit(name)])
                place += 1
    return place


def _suggested(item: OpenItem) -> tuple[str | None, float | None]:
    """The category that accept means, if it is another one than the seller's, with its probability."""
    if item.best_category is None or item.best_category == item.category:
        return None, None
    shares = {each.category: each.probability for each in item.suggested}
    return item.best_category, shares.get(item.best_category)


def _draw(listing_id: str) -> int:
    """A number by which listings come in an order that has nothing to do with them."""
    return int.from_bytes(hashlib.sha256(listing_id.encode()).digest()[:6], "big")


def _is_audit(reason: str) -> bool:
    return reason == Reason.AUDIT_SAMPLE.value
