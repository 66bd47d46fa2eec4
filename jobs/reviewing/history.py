"""Everything that happened to a listing on the review page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.reviewing.database import Row, Store
from schemas.decisions import Decision

Kind = Literal["shown", "answered", "taken_back"]
Written = Literal["written", "waiting", "never"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: ISO 8601, UTC.
        kind: what.
        who: the person; None if an earlier version did not record it.
        question: the question's name.
        answer: the row of `answers` that was given or taken back; None: the listing was shown.
        written: whether the answer, or the word that takes it back, is in the warehouse; None: it never goes there.
    """

    at: str
    kind: Kind
    who: str | None
    question: str
    answer: Row | None = None
    written: Written | None = None


@dataclass(frozen=True)
class OpenAgain:
    """A question that can be opened again: answers to it stand."""

    question: str
    judged_hash: str
    answers: int


def history(store: Store, listing_id: str) -> tuple[list[Event], list[OpenAgain]]:
    """All that is kept about a listing, in order, and which of its questions can be opened again."""
    connection = store.reading()
    shown = connection.execute("SELECT * FROM showings WHERE listing_id = ?", (listing_id,)).fetchall()
    rows = connection.execute("SELECT * FROM answers WHERE listing_id = ? ORDER BY number", (listing_id,)).fetchall()
    taking_back = {row["reopens"]: row for row in rows if row["decision"] == Decision.REOPEN.value}
    events = [Event(row["shown_at"], "shown", row["reviewer"], row["question"]) for row in shown]
    for row in rows:
        if row["decision"] == Decision.REOPEN.value:
            continue
        events.append(Event(row["decided_at"], "answered", row["reviewer"], row["question"], row, in_warehouse(row)))
        if row["undone"]:
            reopened = taking_back.get(row["decision_id"])
            at = row["undone_at"] or (reopened["decided_at"] if reopened else row["decided_at"])
            written = in_warehouse(reopened) if reopened else None
            events.append(Event(at, "taken_back", row["undone_by"], row["question"], row, written))
    return sorted(events, key=lambda event: event.at), _standing(rows)


def in_warehouse(row: Row) -> Written:
    """Whether an answer is in the warehouse: `written`, `waiting`, or `never`, if it was taken back before."""
    if row["written"]:
        return "written"
    return "never" if row["undone"] and not row["taken"] else "waiting"


def _standing(rows: Sequence[Row]) -> list[OpenAgain]:
    found: dict[str, OpenAgain] = {}
    for row in rows:
        if not row["undone"] and row["decision"] != Decision.REOPEN.value:
            before = found.get(row["judged_hash"])
            count = before.answers + 1 if before else 1
            found[row["judged_hash"]] = OpenAgain(row["question"], row["judged_hash"], count)
    return list(found.values())
