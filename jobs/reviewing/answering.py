"""Stores answers so that none is lost, none counts twice, and none is about what the reviewer has not seen."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.opinions import Shares, is_taken, own_purpose, purpose_of, wanted_of_others
from jobs.reviewing.shapes import ABOUT_CATEGORY, AUDIT_QUESTION, same_questions
from jobs.reviewing.showing import (
    Reviewer,
    Showing,
    answered_before,
    changes_since,
    last_answer,
    show_again,
)
from schemas.decisions import CATEGORY_QUESTION, Decision

State = Literal["stored", "changed", "taken", "refused"]
_DECISIONS = {
    CATEGORY_QUESTION: (Decision.ACCEPT, Decision.REJECT, Decision.SET_CATEGORY, Decision.SKIP),
    AUDIT_QUESTION: (Decision.SET_CATEGORY, Decision.SKIP),
}
_NO_SHARES = Shares()
_OTHER_DECISIONS = (Decision.ACCEPT, Decision.REJECT, Decision.RESOLVE, Decision.SKIP)


@dataclass(frozen=True)
class Answer:
    """What a reviewer answered to a showing. `category` is needed for set_category only."""

    showing_id: str
    decision: str
    category: str | None = None
    note: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an answer.

    Attributes:
        showing_id: the showing.
        state: `stored`; `changed`, not stored, because the listing has changed; `taken`, not stored, because somebody
            else has answered; `refused`, not stored, because it is no answer to the question.
        number: of the stored answer.
        again: the question as it is now, if the listing has changed.
        listing_id: the listing; None if the answer was not stored now.
    """

    showing_id: str
    state: State
    number: int | None = None
    again: Showing | None = None
    listing_id: str | None = None


def store_answers(
    store: Store, who: Reviewer, answers: Sequence[Answer], now: dt.datetime, shares: Shares = _NO_SHARES
) -> list[Outcome]:
    """Store answers in one transaction. When the function returns, they are on the disk.

    Args:
        store: the store.
        who: the reviewer.
        answers: in the order in which they were given.
        now: UTC.
        shares: which questions others answer as well.

    Raises:
        StoreError: nothing was stored.
    """
    with store.writing() as connection:
        return [store_answer(connection, who, answer, now, shares) for answer in answers]


def store_answer(
    connection: Connection, who: Reviewer, answer: Answer, now: dt.datetime, shares: Shares = _NO_SHARES
) -> Outcome:
    """Store an answer within a transaction; arguments as of `store_answers`."""
    known = connection.execute("SELECT number FROM answers WHERE showing_id = ?", (answer.showing_id,)).fetchone()
    if known is not None:
        return Outcome(answer.showing_id, "stored", known["number"])
    showing = connection.execute("SELECT * FROM showings WHERE showing_id = ?", (answer.showing_id,)).fetchone()
    if showing is None or not _is_valid(connection, showing, answer):
        return Outcome(answer.showing_id, "refused")
    if is_taken(connection, who.name, who.role, showing, answer.batch_id is not None):
        return Outcome(answer.showing_id, "taken")
    asked = same_questions(showing["question"])
    places = ", ".join("?" * len(asked))
    newest = connection.execute(
        "SELECT q.judged_hash, l.content_hash FROM open.questions q JOIN open.listings l USING (listing_id) "  # noqa: S608
        f"WHERE listing_id = ? AND question IN ({places})",
        (showing["listing_id"], *asked),
    ).fetchone()
    # A listing that is no longer open is judged as it was seen: the decision holds for that content only.
    if newest is not None and (newest["judged_hash"], newest["content_hash"]) != (
        showing["judged_hash"],
        showing["content_hash"],
    ):
        again = show_again(connection, who, showing["listing_id"], asked, now)
        if again is not None:
            again = replace(again, changed=changes_since(showing["seen"], again.view))
        return Outcome(answer.showing_id, "changed", again=again)
    number = _insert(connection, who, showing, answer, now, shares)
    connection.execute(
        "DELETE FROM assigned WHERE listing_id = ? AND judged_hash = ? AND (reviewer = ? OR ? <> 'skip')",
        (showing["listing_id"], showing["judged_hash"], who.name, answer.decision),
    )
    return Outcome(answer.showing_id, "stored", number, listing_id=showing["listing_id"])


def _is_valid(connection: Connection, showing: Row, answer: Answer) -> bool:
    if answer.decision not in {each.value for each in _DECISIONS.get(showing["question"], _OTHER_DECISIONS)}:
        return False
    if showing["question"] not in ABOUT_CATEGORY:
        return True
    match answer.decision:
        case Decision.ACCEPT.value:
            return showing["best_category"] is not None
        case Decision.REJECT.value:
            return showing["seller_category"] is not None
        case Decision.SET_CATEGORY.value:
            known = connection.execute("SELECT 1 FROM open.categories WHERE category = ?", (answer.category,))
            return known.fetchone() is not None
    return True


def _insert(
    connection: Connection, who: Reviewer, showing: Row, answer: Answer, now: dt.datetime, shares: Shares
) -> int:
    purpose = purpose_of(connection, who.name, who.role, showing)
    asked = wanted_of_others(
        showing, answer.decision, purpose, who.role, shares if answer.batch_id is None else _NO_SHARES
    )
    about_category = showing["question"] in ABOUT_CATEGORY
    category = {
        Decision.ACCEPT.value: showing["best_category"],
        Decision.REJECT.value: showing["seller_category"],
        Decision.SET_CATEGORY.value: answer.category,
    }.get(answer.decision)
    return _add(
        connection,
        {
            **_circumstances(showing),
            "showing_id": answer.showing_id,
            "decision": answer.decision,
            "reason": None if about_category else showing["question"],
            "category": category if about_category else None,
            "note": answer.note,
            "reviewer": who.name,
            "reviewer_role": who.role,
            "purpose": purpose.value,
            **asked,
            "batch_id": answer.batch_id,
        },
        now,
    )


def _circumstances(row: Row) -> dict[str, object]:
    return {name: row[name] for name in ("listing_id", "question", "content_hash", "judged_hash", "run_id")}


def _add(connection: Connection, values: dict[str, object], now: dt.datetime) -> int:
    # A later answer has a later time, also if the clock is set back: the order decides which one holds.
    last = connection.execute("SELECT decided_at FROM answers ORDER BY number DESC LIMIT 1").fetchone()
    decided_at = now if last is None else max(now, dt.datetime.fromisoformat(last[0]) + dt.timedelta(microseconds=1))
    row = {**values, "decision_id": uuid.uuid4().hex, "decided_at": decided_at.isoformat(timespec="microseconds")}
    columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    number = connection.execute(f"INSERT INTO answers ({columns}) VALUES ({places})", row).lastrowid  # noqa: S608
    return int(number or 0)


def _take_back(connection: Connection, who: Reviewer, last: Row, now: dt.datetime) -> None:
    """Take back an answer, and with it all of its batch."""
    rows = connection.execute(
        "SELECT * FROM answers WHERE undone = 0 AND (number = ? OR batch_id = ?) ORDER BY number DESC",
        (last["number"], last["batch_id"]),
    ).fetchall()
    for row in rows:
        when = now.isoformat(timespec="microseconds")
        change = "UPDATE answers SET undone = 1, undone_by = ?, undone_at = ? WHERE number = ?"
        connection.execute(change, (who.name, when, row["number"]))
        if row["taken"] and row["decision"] != Decision.SKIP.value:
            reopen = {"reviewer": who.name, "reviewer_role": who.role, "purpose": row["purpose"]}
            reopen |= {"batch_id": row["batch_id"], "reopens": row["decision_id"]}
            _add(connection, {**_circumstances(row), **reopen, "decision": Decision.REOPEN.value}, now)


@dataclass(frozen=True)
class Undone:
    """What an undo took back.

    Attributes:
        listing_id: the listing; None if there was nothing to take back.
        again: its question, shown again; None if it is no longer open.
        was_written: whether the answer may already have been in the table, so that a reopen follows it.
        batch_id: the batch that was taken back; None if it was a single answer.
    """

    listing_id: str | None = None
    again: Showing | None = None
    was_written: bool = False
    batch_id: str | None = None


def undo(store: Store, who: Reviewer, undo_id: str, now: dt.datetime) -> Undone:
    """Take back the reviewer's last answer that stands, with its batch, and show its question again.

    Args:
        store: the store.
        who: the reviewer.
        undo_id: names this undo; however often it is sent, one answer is taken back.
        now: UTC.
    """
    with store.writing() as connection:
        done = connection.execute("SELECT number FROM undos WHERE undo_id = ?", (undo_id,)).fetchone()
        if done is not None:
            row = connection.execute("SELECT * FROM answers WHERE number = ?", (done["number"],)).fetchone()
        else:
            row = last_answer(connection, who)
            if row is None:
                return Undone()
            connection.execute("INSERT INTO undos VALUES (?, ?)", (undo_id, row["number"]))
            _take_back(connection, who, row, now)
        asked = same_questions(row["question"])
        again = show_again(connection, who, row["listing_id"], asked, now)
        return Undone(row["listing_id"], again, bool(row["taken"]), row["batch_id"])


def previous(store: Store, who: Reviewer, before: int | None, now: dt.datetime) -> Showing | None:
    """Show again what the reviewer answered before; None if there is nothing, or it is no longer open.

    Args:
        store: the store.
        who: the reviewer.
        before: the number of the answer that is shown; None: the reviewer is at an open question.
        now: UTC.
    """
    with store.writing() as connection:
        while (row := last_answer(connection, who, before)) is not None:
            asked = same_questions(row["question"])
            again = show_again(connection, who, row["listing_id"], asked, now)
            if again is not None:
                return replace(again, answer=answered_before(row), number=row["number"])
            before = row["number"]
        return None


def take_back_one(connection: Connection, who: Reviewer, number: int, now: dt.datetime) -> None:
    """Take back an answer of anybody's, without the others of its batch.

    Args:
        connection: within a transaction.
        who: who takes it back.
        number: of the answer.
        now: UTC.
    """
    row = connection.execute("SELECT number, NULL AS batch_id FROM answers WHERE number = ?", (number,)).fetchone()
    _take_back(connection, who, row, now)


def answer_as(
    connection: Connection, who: Reviewer, showing_id: str, chosen: Row, now: dt.datetime, category: str | None = None
) -> int:
    """Store the same answer as somebody else's, as a decision of its own, which asks nobody else.

    Args:
        connection: within a transaction.
        who: whose decision it is.
        showing_id: what was shown to them.
        chosen: the row of the other answer.
        now: UTC.
        category: the right one, if it is another; None: the answer's.

    Returns:
        The number of the new answer.
    """
    values = {name: chosen[name] for name in ("decision", "reason", "category")}
    if category is not None:
        values |= {"decision": Decision.SET_CATEGORY.value, "category": category}
    # An audited listing stays in the sample when people differ on it: without these, the sample would not be fair.
    purpose = own_purpose(chosen["question"]).value
    own = {"reviewer": who.name, "reviewer_role": who.role, "purpose": purpose, "showing_id": showing_id}
    return _add(connection, {**_circumstances(chosen), **values, **own}, now)
