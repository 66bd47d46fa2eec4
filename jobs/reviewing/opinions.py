"""Second opinions: which questions two people answer, and which answer is the second one.

The answer that stands for the question is the first one; it asks for a second opinion if its question is drawn.
Purposes never change afterwards: if the first answer is taken back, the second one stays an opinion, and the question
is open again to everybody else, whose answer is then the first one.
"""

from __future__ import annotations

import hashlib

from jobs.reviewing.database import Connection, Row
from jobs.reviewing.shapes import AUDIT_QUESTION
from schemas.decisions import Decision, Purpose

NOT_ANSWERED = """NOT EXISTS (
  SELECT 1 FROM answers a WHERE a.listing_id = q.listing_id AND a.judged_hash = q.judged_hash AND a.undone = 0
  AND a.decision <> 'reopen' AND (a.reviewer = :reviewer OR a.decision <> 'skip' AND a.purpose <> 'second' AND (
    a.asks_second = 0 OR EXISTS (
      SELECT 1 FROM answers b WHERE b.listing_id = a.listing_id AND b.judged_hash = a.judged_hash AND b.undone = 0
      AND b.purpose = 'second' AND b.decision NOT IN ('skip', 'reopen'))))
)"""
"""Whether a question q is open to a reviewer: nobody's answer stands, or one that asks for a second opinion of somebody
else and has none. Who skips a question leaves it to the others."""
NEVER_ANSWERED = """NOT EXISTS (
  SELECT 1 FROM answers a WHERE a.listing_id = q.listing_id AND a.judged_hash = q.judged_hash AND a.undone = 0
  AND a.decision <> 'reopen' AND (a.decision <> 'skip' OR a.reviewer = :reviewer)
)"""
"""As `NOT_ANSWERED`, without second opinions: what may be decided at once with others."""


def is_drawn(listing_id: str, question: str, judged_hash: str, share: float) -> bool:
    """Whether two people answer a question.

    The same values give the same answer everywhere, and a larger share draws all that a smaller one does.

    Args:
        listing_id, question, judged_hash: the question.
        share: of the questions, 0 to 1.
    """
    digest = hashlib.sha256("\0".join(("second opinion", listing_id, question, judged_hash)).encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


def is_taken(connection: Connection, reviewer: str, showing: Row, in_group: bool) -> bool:
    """Whether another window has answered a question since it was shown, so that an answer to it comes too late.

    Args:
        connection: within a transaction.
        reviewer: who answers.
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
    has_first = any(row["purpose"] != Purpose.SECOND.value for row in standing)
    return any(
        row["reviewer"] == reviewer
        or (has_first and not has_answered if row["purpose"] == Purpose.SECOND.value else not row["asks_second"])
        for row in since
    )


def purpose_of(connection: Connection, reviewer: str, showing: Row) -> Purpose:
    """What an answer to a showing is for. Who answers anew keeps the place of the answer before."""
    own = Purpose.AUDIT if showing["question"] == AUDIT_QUESTION else Purpose.WORK
    standing = _standing(connection, showing)
    mine = next((row["purpose"] for row in standing if row["reviewer"] == reviewer), None)
    if mine is not None:
        return Purpose.SECOND if mine == Purpose.SECOND.value else own
    return Purpose.SECOND if any(row["asks_second"] for row in standing) else own


def _standing(connection: Connection, showing: Row) -> list[Row]:
    """The answers to a question that stand, with their windows, the newest first."""
    return connection.execute(
        "SELECT a.reviewer, a.purpose, a.asks_second, a.decided_at, s.browser FROM answers a JOIN showings s "
        "USING (showing_id) WHERE a.listing_id = ? AND a.judged_hash = ? AND a.undone = 0 AND a.decision <> 'skip' "
        "ORDER BY a.number DESC",
        (showing["listing_id"], showing["judged_hash"]),
    ).fetchall()


def asks_second(showing: Row, decision: str, purpose: Purpose, share: float) -> bool:
    """Whether an answer that is not part of a group asks for a second opinion."""
    if purpose is Purpose.SECOND or decision == Decision.SKIP.value:
        return False
    return is_drawn(showing["listing_id"], showing["question"], showing["judged_hash"], share)
