"""Second opinions and known items: which questions several people answer, and what each answer to them is for.

The answer that stands for the question is the first one; it asks for a second opinion if its question is drawn.
Purposes never change afterwards: if the first answer is taken back, the second one stays an opinion, and the question
is open again to everybody else, whose answer is then the first one.

A lead's answer makes a known item if its question is drawn: reviewers answer it, too, so that one sees how often they
say the same. These answers never become decisions either.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass

from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.shapes import AUDIT_QUESTION
from schemas.decisions import LEADS, UNDECIDED, Decision, Purpose

_HAS_SECOND = """EXISTS (
  SELECT 1 FROM answers b WHERE b.listing_id = a.listing_id AND b.judged_hash = a.judged_hash AND b.undone = 0
  AND b.purpose = 'second' AND b.decision NOT IN ('skip', 'reopen'))"""
_NOT_LEFT_TO_ANOTHER = """ AND NOT EXISTS (
  SELECT 1 FROM assigned x WHERE x.listing_id = q.listing_id AND x.judged_hash = q.judged_hash
  AND x.reviewer <> :reviewer)"""
NOT_ANSWERED = f"""NOT EXISTS (
  SELECT 1 FROM answers a WHERE a.listing_id = q.listing_id AND a.judged_hash = q.judged_hash AND a.undone = 0
  AND a.decision <> 'reopen' AND (a.reviewer = :reviewer OR a.decision <> 'skip'
  AND a.purpose NOT IN ('second', 'known') AND NOT (a.is_known = 1 AND :role = 'reviewer') AND (
    a.asks_second = 0 OR {_HAS_SECOND}))
){_NOT_LEFT_TO_ANOTHER}"""  # noqa: S608 - no values
"""Whether a question q is open to a reviewer: nobody's answer stands, or one that asks for a second opinion of somebody
else and has none, or that is to be known again. Who skips a question leaves it to the others. What a lead
has left to somebody is open to nobody else."""
NEVER_ANSWERED = f"""NOT EXISTS (
  SELECT 1 FROM answers a WHERE a.listing_id = q.listing_id AND a.judged_hash = q.judged_hash AND a.undone = 0
  AND a.decision <> 'reopen' AND (a.decision <> 'skip' OR a.reviewer = :reviewer)
){_NOT_LEFT_TO_ANOTHER}"""  # noqa: S608 - no values
"""As `NOT_ANSWERED`, without second opinions and known items: what may be decided at once with others."""

DECIDES = "undone = 0 AND decision NOT IN ('skip', 'reopen') AND purpose NOT IN ('second', 'known')"
"""Whether an answer stands as a decision."""
_WANTED_DAYS = 30
"""For how long others are asked a question after its answer."""


@dataclass(frozen=True)
class Shares:
    """Which questions several people answer, 0 to 1.

    Attributes:
        second: share of the questions that two people answer.
        known: share of the questions answered by leads that reviewers answer as well.
    """

    second: float = 0.0
    known: float = 0.0


def is_drawn(listing_id: str, question: str, judged_hash: str, share: float) -> bool:
    """Whether two people answer a question.

    The same values give the same answer everywhere, and a larger share draws all that a smaller one does.

    Args:
        listing_id, question, judged_hash: the question.
        share: of the questions, 0 to 1.
    """
    digest = hashlib.sha256("\0".join(("second opinion", listing_id, question, judged_hash)).encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


def is_taken(connection: Connection, reviewer: str, role: str, showing: Row, in_group: bool) -> bool:
    """Whether another window has answered a question since it was shown, so that an answer to it comes too late.

    Args:
        connection: within a transaction.
        reviewer, role: who answers.
        showing: what was shown.
        in_group: whether the answer is one of many at once.
    """
    standing = _standing(connection, showing)
    since = [
        row for row in standing if row["browser"] != showing["browser"] and row["decided_at"] > showing["shown_at"]
    ]
    if in_group:
        return bool(since)
    has_answered = any(row["reviewer"] == reviewer for row in standing)
    has_first = any(row["purpose"] not in UNDECIDED for row in standing)

    def is_in_the_way(row: Row) -> bool:
        if row["reviewer"] == reviewer:
            return True
        if row["purpose"] == Purpose.SECOND.value:
            return has_first and not has_answered
        is_for_others = row["asks_second"] or (row["is_known"] and role not in LEADS)
        return row["purpose"] not in UNDECIDED and not is_for_others

    return any(map(is_in_the_way, since))


def own_purpose(question: str) -> Purpose:
    """What an answer to a question is for that becomes a decision."""
    return Purpose.AUDIT if question == AUDIT_QUESTION else Purpose.WORK


def purpose_of(connection: Connection, reviewer: str, role: str, showing: Row) -> Purpose:
    """What an answer to a showing is for. Who answers anew keeps the place of the answer before."""
    own = own_purpose(showing["question"])
    standing = _standing(connection, showing)
    mine = next((row["purpose"] for row in standing if row["reviewer"] == reviewer), None)
    if mine is not None:
        return Purpose(mine) if mine in UNDECIDED else own
    if role not in LEADS and any(row["is_known"] for row in standing):
        return Purpose.KNOWN
    return Purpose.SECOND if any(row["asks_second"] for row in standing) else own


def _standing(connection: Connection, showing: Row) -> list[Row]:
    """The answers to a question that stand, with their windows, the newest first."""
    return connection.execute(
        "SELECT a.reviewer, a.purpose, a.asks_second, a.is_known, a.decided_at, s.browser FROM answers a "
        "JOIN showings s USING (showing_id) WHERE a.listing_id = ? AND a.judged_hash = ? AND a.undone = 0 "
        "AND a.decision <> 'skip' ORDER BY a.number DESC",
        (showing["listing_id"], showing["judged_hash"]),
    ).fetchall()


def wanted_of_others(showing: Row, decision: str, purpose: Purpose, role: str, shares: Shares) -> dict[str, bool]:
    """What an answer that is not part of a group asks of others: `asks_second`, `is_known` or neither."""
    question = (showing["listing_id"], showing["question"], showing["judged_hash"])
    if purpose.value in UNDECIDED or decision == Decision.SKIP.value:
        return {"asks_second": False, "is_known": False}
    is_known = role in LEADS and is_drawn(question[0], f"known {question[1]}", question[2], shares.known)
    return {"asks_second": not is_known and is_drawn(*question, shares.second), "is_known": is_known}


def still_wanted(store: Store, run_date: dt.date) -> Mapping[str, Set[str]]:
    """The answered questions that others are still to answer: listing_id -> judged hashes.

    A night takes what was answered from the work list, but second opinions and known items need more people.

    Args:
        store: the store.
        run_date: date of the publication; questions that were answered more than 30 days before are left out.
    """
    rows = store.reading().execute(
        f"SELECT listing_id, judged_hash FROM answers a WHERE {DECIDES} AND decided_at >= ? "  # noqa: S608
        f"AND (is_known = 1 OR asks_second = 1 AND NOT {_HAS_SECOND})",
        ((run_date - dt.timedelta(days=_WANTED_DAYS)).isoformat(),),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["listing_id"], set()).add(row["judged_hash"])
    return found
