"""Who has which questions: what a lead frees that somebody holds, and what a lead leaves to one person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from jobs.reviewing.answering import take_back_one
from jobs.reviewing.database import Store
from jobs.reviewing.showing import Reviewer


@dataclass(frozen=True)
class Held:
    """What is in a person's hands.

    Attributes:
        reviewer: the person.
        shown: listings that nobody else gets now, because this person has been shown them.
        left: open questions that a lead has left to this person.
    """

    reviewer: str
    shown: int
    left: int


@dataclass(frozen=True)
class OpenQuestion:
    """A question that nobody has answered; `left_to` is the person that a lead has left it to, or None."""

    question: str
    judged_hash: str
    left_to: str | None


def held(store: Store, now: dt.datetime) -> list[Held]:
    """What is in whose hands, by name."""
    rows = store.reading().execute(
        "SELECT reviewer, sum(shown) AS shown, sum(assigned) AS assigned FROM ("
        "SELECT reviewer, 1 AS shown, 0 AS assigned FROM claims WHERE until > :now UNION ALL "
        "SELECT a.reviewer, 0, 1 FROM assigned a JOIN open.questions q USING (listing_id, judged_hash)"
        ") GROUP BY reviewer ORDER BY reviewer",
        {"now": now.timestamp()},
    )
    return [Held(row["reviewer"], row["shown"], row["assigned"]) for row in rows]


def free(store: Store, reviewer: str) -> list[str]:
    """Give everybody what one person holds; returns the listings.

    A page that is still open takes back what nobody else has been shown meanwhile.
    """
    with store.writing() as connection:
        listing_ids = set()
        for table in ("claims", "assigned"):
            rows = connection.execute(f"DELETE FROM {table} WHERE reviewer = ? RETURNING listing_id", (reviewer,))  # noqa: S608
            listing_ids |= {row["listing_id"] for row in rows.fetchall()}
        return sorted(listing_ids)


def people(store: Store, users: list[str]) -> list[str]:
    """The people that a question can be left to: users, and whoever has answered, by name."""
    rows = store.reading().execute("SELECT DISTINCT reviewer FROM answers")
    return sorted({*users, *(row["reviewer"] for row in rows)})


def open_questions(store: Store, listing_id: str) -> list[OpenQuestion]:
    """The questions about a listing that are open and that nobody has answered; a skip is no answer."""
    rows = store.reading().execute(
        "SELECT q.question, q.judged_hash, x.reviewer FROM open.questions q LEFT JOIN assigned x "
        "USING (listing_id, judged_hash) WHERE q.listing_id = ? AND NOT EXISTS (SELECT 1 FROM answers a "
        "WHERE a.listing_id = q.listing_id AND a.judged_hash = q.judged_hash AND a.undone = 0 "
        "AND a.decision NOT IN ('skip', 'reopen')) ORDER BY q.place",
        (listing_id,),
    )
    return [OpenQuestion(row["question"], row["judged_hash"], row["reviewer"]) for row in rows]


def leave_to(store: Store, who: Reviewer, listing_id: str, judged_hash: str, reviewer: str, now: dt.datetime) -> bool:
    """Leave an open question to one person, who gets it first; nobody else gets it until then.

    Args:
        store: the store.
        who: the lead.
        listing_id, judged_hash: the question.
        reviewer: the person; a skip of theirs is taken back.
        now: UTC.

    Returns:
        Whether the question is open; if not, nothing was done.
    """
    with store.writing() as connection:
        if judged_hash not in {each.judged_hash for each in open_questions(store, listing_id)}:
            return False
        question = (listing_id, judged_hash, reviewer)
        skipped = connection.execute(
            "SELECT number FROM answers WHERE listing_id = ? AND judged_hash = ? AND reviewer = ? AND undone = 0 "
            "AND decision = 'skip'",
            question,
        ).fetchall()
        for row in skipped:
            take_back_one(connection, who, row["number"], now)
        connection.execute("DELETE FROM claims WHERE listing_id = ? AND reviewer <> ?", (listing_id, reviewer))
        left = (*question, who.name, now.isoformat(timespec="microseconds"))
        connection.execute("INSERT OR REPLACE INTO assigned VALUES (?, ?, ?, ?, ?)", left)
        return True
