"""Gives one answer to all that a filter finds, after people have answered some of it one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from jobs.reviewing.answering import Answer, store_answer
from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.groups import SINGLY
from jobs.reviewing.opinions import NEVER_ANSWERED
from jobs.reviewing.shapes import AUDIT_QUESTION
from jobs.reviewing.showing import Filters, Reviewer, show


@dataclass(frozen=True)
class Bulk:
    """What a filter finds, without the audit sample and what others have before them.

    Attributes:
        question: what is asked; None if it is not the same everywhere.
        count: how many questions.
        share: the mean probability of the suggestions, 0 to 1; None where none is known.
        singly, right: how many of the filter's questions people have answered one by one, and in how many of these the
            suggestion or the flag was right.
    """

    question: str | None
    count: int
    share: float | None
    singly: int
    right: int

    @property
    def is_offered(self) -> bool:
        """Whether all can be answered at once: enough answers show how often the suggestion or the flag is right."""
        return self.question is not None and self.singly >= SINGLY


def find_bulk(store: Store, who: Reviewer, filters: Filters, now: dt.datetime) -> Bulk:
    """See what a filter finds."""
    connection = store.reading()
    return _bulk(connection, filters, _found(connection, who, filters, now))


@dataclass(frozen=True)
class BulkOutcome:
    """What became of an answer to all.

    Attributes:
        state: `stored`; or `changed`, nothing stored, because the filter finds something else by now.
        stored: the listings whose answers are stored.
        others: how many answers are not, because a suggestion or the seller's category is missing, for instance.
    """

    state: Literal["stored", "changed"]
    stored: tuple[str, ...] = ()
    others: int = 0


def answer_all(
    store: Store, who: Reviewer, filters: Filters, decision: str, count: int, batch_id: str, now: dt.datetime
) -> BulkOutcome:
    """Answer all that a filter finds, in one transaction.

    Args:
        store: the store.
        who: the reviewer.
        filters: what is answered.
        decision: accept or reject.
        count: how many questions the reviewer was told that there are.
        batch_id: names the answers; however often they are sent, they count once.
        now: UTC.

    Raises:
        StoreError: nothing was stored.
    """
    with store.writing() as connection:
        known = connection.execute("SELECT listing_id FROM answers WHERE batch_id = ?", (batch_id,)).fetchall()
        if known:
            return BulkOutcome("stored", tuple(row["listing_id"] for row in known), count - len(known))
        rows = _found(connection, who, filters, now)
        if len(rows) != count or not _bulk(connection, filters, rows).is_offered:
            return BulkOutcome("changed")
        answers = (Answer(show(connection, who, row, now).showing_id, decision, batch_id=batch_id) for row in rows)
        outcomes = [store_answer(connection, who, answer, now) for answer in answers]
        stored = tuple(each.listing_id for each in outcomes if each.listing_id is not None)
        return BulkOutcome("stored", stored, count - len(stored))


def _found(connection: Connection, who: Reviewer, filters: Filters, now: dt.datetime) -> list[Row]:
    condition, values = filters.condition()
    return connection.execute(
        f"SELECT q.* FROM open.questions q WHERE {condition} AND q.question <> :audit AND {NEVER_ANSWERED} "  # noqa: S608
        "AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.listing_id = q.listing_id AND c.reviewer <> :reviewer "
        "AND c.until > :now) ORDER BY q.place",
        {**values, "audit": AUDIT_QUESTION, "reviewer": who.name, "now": now.timestamp()},
    ).fetchall()


def _bulk(connection: Connection, filters: Filters, rows: list[Row]) -> Bulk:
    condition, values = filters.condition()
    singly, right = connection.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN a.reason IS NULL THEN a.category = s.best_category "  # noqa: S608
        "ELSE a.decision <> 'reject' END), 0) FROM answers a JOIN showings s USING (showing_id) JOIN open.questions q "
        f"ON q.listing_id = a.listing_id AND q.judged_hash = a.judged_hash WHERE {condition} AND a.undone = 0 "
        "AND a.batch_id IS NULL AND a.purpose = 'work' AND a.decision NOT IN ('skip', 'reopen')",
        values,
    ).fetchone()
    questions = {row["question"] for row in rows}
    shares = [row["share"] for row in rows if row["share"] is not None]
    return Bulk(
        question=questions.pop() if len(questions) == 1 else None,
        count=len(rows),
        share=fmean(shares) if shares else None,
        singly=singly,
        right=right,
    )
