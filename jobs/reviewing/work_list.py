"""The work list as a table that people fill in elsewhere: one row per question, with empty columns for the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from jobs.reviewing.shapes import ABOUT_CATEGORY, OpenItem, Question, questions
from schemas.decisions import Purpose

SUGGESTIONS = 3
"""Suggested categories in a row."""
Value = str | float | None


@dataclass(frozen=True)
class WorkListRow:
    """A question about a listing; what is not known is None.

    A listing of the audit sample is shown blind: without suggestions, seller and the seller's category.

    Attributes:
        decision, category, reviewer, decided_at, note: for the answer, empty.
        reason: what is asked about; None: the category.
        asks: the open reasons of the question, separated by commas.
        suggestions: the most probable categories with their probabilities in percent, separated by commas.
        usual_prices: quartiles and median of an odd price.
        likely_condition: what words and picture suggest, where the condition is asked about, with its probability.
        content_hash, judged_hash, purpose: bind the answer to what was seen.
    """

    listing_id: str
    title: str | None
    description: str | None
    price: float | None
    currency: str | None
    condition: str | None
    asks: str
    seller_category: str | None
    suggested_category: str | None
    suggestions: str | None
    why: str | None
    seller_id: str | None
    priority: float | None
    duplicate_of: str | None
    usual_prices: str | None
    likely_condition: str | None
    decision: str | None
    category: str | None
    reason: str | None
    note: str | None
    reviewer: str | None
    decided_at: str | None
    purpose: str
    content_hash: str
    judged_hash: str

    def values(self) -> tuple[Value, ...]:
        """The values in the order of `COLUMNS`."""
        return tuple(getattr(self, name) for name in COLUMNS)


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(WorkListRow))
"""The columns of the files. `review apply` reads those of a decision."""
ANSWER_COLUMNS = ("decision", "category", "note", "reviewer", "decided_at")
"""The columns that people fill in."""


def work_list_rows(items: Iterable[OpenItem], labels: Mapping[str, str]) -> Iterator[WorkListRow]:
    """The questions about items, in the order of the items.

    Args:
        items: open items.
        labels: category -> label.
    """
    return (_row(item, question, labels) for item in items for question in questions(item))


def _row(item: OpenItem, question: Question, labels: Mapping[str, str]) -> WorkListRow:
    about_category = question.question in ABOUT_CATEGORY
    shows_model = about_category and not question.is_blind
    suggested = [
        f"{each.category} ({labels.get(each.category, each.category)}) {each.probability:.0%}"
        for each in item.suggested[:SUGGESTIONS]
    ]
    prices, likely = item.prices, item.likely_condition
    return WorkListRow(
        listing_id=item.listing_id,
        title=item.title,
        description=item.description,
        price=item.price,
        currency=item.currency,
        condition=item.condition,
        asks=", ".join(question.reasons),
        seller_category=None if question.is_blind else item.category,
        suggested_category=item.best_category if shows_model else None,
        suggestions=", ".join(suggested) if shows_model and suggested else None,
        why=item.sentence if shows_model else None,
        seller_id=item.seller.seller_id if item.seller and not question.is_blind else None,
        priority=None if question.is_blind else item.priority,
        duplicate_of=item.duplicate.listing_id if item.duplicate and question.question == "duplicate" else None,
        usual_prices=f"{prices.lower:.2f} to {prices.upper:.2f}, median {prices.median:.2f}"
        if prices and question.question == "price_outlier"
        else None,
        likely_condition=f"{likely.value} {likely.probability:.0%}"
        if likely and question.question == "condition_mismatch"
        else None,
        decision=None,
        category=None,
        reason=None if about_category else question.question,
        note=None,
        reviewer=None,
        decided_at=None,
        purpose=(Purpose.AUDIT if question.is_blind else Purpose.WORK).value,
        content_hash=item.content_hash,
        judged_hash=question.judged_hash,
    )
