"""What a lead decides: between two answers that differ, and that a question is open again."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jobs.reviewing.answering import answer_as, take_back_one
from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.leading import Double, double_answers, is_settling
from jobs.reviewing.opinions import is_drawn
from jobs.reviewing.shapes import ABOUT_CATEGORY, same_questions
from jobs.reviewing.showing import Reviewer


@dataclass(frozen=True)
class Dispute:
    """Two answers that differ, as they are shown to a lead.

    Attributes:
        showing_id: the key of the lead's word: however often it is sent, it counts once.
        double: the answers.
        answers: both, in an order that does not tell which one was first.
        seen: the listing as the reviewers saw it: title, description, price and the like.
        picture: names the picture; None if it is not here any more.
        older_pictured: whether there is a picture of the older listing that may offer the same.
    """

    showing_id: str
    double: Double
    answers: tuple[Row, Row]
    seen: Mapping[str, Any]
    picture: str | None
    older_pictured: bool


def disputes(store: Store, doubles: Sequence[Double]) -> list[Double]:
    """The doubly answered questions to settle: the answers differ, nobody has settled it, and it is not asked anew."""
    connection = store.reading()
    return [
        each
        for each in doubles
        if each.settled is None and each.said[0] != each.said[1] and not _is_outdated(connection, each)
    ]


def show_disputes(
    store: Store, who: Reviewer, held: Sequence[str], wanted: int, now: dt.datetime
) -> tuple[list[Dispute], int]:
    """Show a lead what to settle.

    Args:
        store: the store.
        who: the lead.
        held: showings that the page has already.
        wanted: how many at most.
        now: UTC.

    Returns:
        The disputes, the oldest first, and how many there are, with those that the page has.
    """
    with store.writing() as connection:
        found = disputes(store, double_answers(connection))
        places = ", ".join("?" * len(held))
        query = f"SELECT listing_id, judged_hash FROM showings WHERE showing_id IN ({places})"  # noqa: S608
        has = {tuple(row) for row in connection.execute(query, list(held))}
        fresh = [each for each in found if (each.listing_id, each.judged_hash) not in has]
        return [_show(connection, who, each, now) for each in fresh[:wanted]], len(found)


@dataclass(frozen=True)
class Settled:
    """What became of a lead's word.

    Attributes:
        state: `stored`; `taken`, not stored, because the dispute has ended otherwise; `refused`, because it is none of
            its answers.
        listing_id: the listing; None if the word was not stored now.
    """

    state: Literal["stored", "taken", "refused"]
    listing_id: str | None = None


@dataclass(frozen=True)
class Word:
    """What a lead says to a dispute: the answer that is right, or another category.

    Attributes:
        showing_id: of the dispute.
        number: of the answer that is right; None: neither.
        category: the one that is right then.
    """

    showing_id: str
    number: int | None = None
    category: str | None = None


def settle(store: Store, who: Reviewer, word: Word, now: dt.datetime) -> Settled:
    """Decide where two answers differ.

    Args:
        store: the store.
        who: the lead.
        word: what the lead says.
        now: UTC.
    """
    with store.writing() as connection:
        if connection.execute("SELECT 1 FROM answers WHERE showing_id = ?", (word.showing_id,)).fetchone() is not None:
            return Settled("stored")
        showing = connection.execute("SELECT * FROM showings WHERE showing_id = ?", (word.showing_id,)).fetchone()
        if showing is None:
            return Settled("refused")
        standing = connection.execute(
            "SELECT * FROM answers WHERE listing_id = ? AND judged_hash = ? AND undone = 0 "
            "AND decision NOT IN ('skip', 'reopen') ORDER BY number",
            (showing["listing_id"], showing["judged_hash"]),
        ).fetchall()
        if word.number is not None:
            return _choose(connection, who, word, showing, standing, now)
        known = connection.execute("SELECT 1 FROM open.categories WHERE category = ?", (word.category,)).fetchone()
        if known is None or showing["question"] not in ABOUT_CATEGORY:
            return Settled("refused")
        if any(is_settling(row) for row in standing) or len({row["reviewer"] for row in standing}) < 2:
            return Settled("taken")
        answer_as(connection, who, word.showing_id, standing[0], now, word.category)
        return Settled("stored", showing["listing_id"])


def _choose(
    connection: Connection, who: Reviewer, word: Word, showing: Row, standing: Sequence[Row], now: dt.datetime
) -> Settled:
    chosen = connection.execute("SELECT * FROM answers WHERE number = ?", (word.number,)).fetchone()
    names = ("listing_id", "judged_hash")
    if chosen is None or any(showing[name] != chosen[name] for name in names):
        return Settled("refused")
    newest = max((row["number"] for row in standing if row["reviewer"] == chosen["reviewer"]), default=None)
    if any(is_settling(row) for row in standing) or newest != word.number:
        return Settled("taken")
    answer_as(connection, who, word.showing_id, chosen, now)
    return Settled("stored", chosen["listing_id"])


def reopen(store: Store, who: Reviewer, listing_id: str, judged_hash: str, now: dt.datetime) -> int:
    """Take back every answer to a question that stands, whoever gave it, so that it is open to everybody.

    Args:
        store: the store.
        who: the lead.
        listing_id, judged_hash: the question.
        now: UTC.

    Returns:
        How many answers were taken back.
    """
    with store.writing() as connection:
        rows = connection.execute(
            "SELECT number FROM answers WHERE listing_id = ? AND judged_hash = ? AND undone = 0 "
            "AND decision <> 'reopen' ORDER BY number DESC",
            (listing_id, judged_hash),
        ).fetchall()
        for row in rows:
            take_back_one(connection, who, row["number"], now)
        return len(rows)


def _is_outdated(connection: Connection, double: Double) -> bool:
    """Whether the listing has changed, so that the question is open with other values."""
    asked = same_questions(double.first["question"])
    places = ", ".join("?" * len(asked))
    row = connection.execute(
        f"SELECT judged_hash FROM open.questions WHERE listing_id = ? AND question IN ({places})",  # noqa: S608
        (double.listing_id, *asked),
    ).fetchone()
    return row is not None and row["judged_hash"] != double.judged_hash


def _show(connection: Connection, who: Reviewer, double: Double, now: dt.datetime) -> Dispute:
    seen = connection.execute("SELECT * FROM showings WHERE showing_id = ?", (double.first["showing_id"],)).fetchone()
    own = {
        "showing_id": secrets.token_urlsafe(12),
        "browser": who.window,
        "reviewer": who.name,
        "shown_at": now.isoformat(timespec="microseconds"),
    }
    values = {**dict(seen), **own, "audit_chance": None}
    connection.execute(
        f"INSERT INTO showings ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})",  # noqa: S608
        values,
    )
    picture = connection.execute(
        "SELECT digest FROM open.pictures WHERE listing_id = ? AND size = 'large'", (double.listing_id,)
    ).fetchone()
    view = json.loads(seen["seen"])
    older = view["duplicate"]["listing_id"] if view["duplicate"] else None
    has_older = connection.execute("SELECT 1 FROM open.pictures WHERE listing_id = ?", (older,)).fetchone()
    both = (double.first, double.second)
    is_turned = is_drawn(double.listing_id, "order of answers", double.judged_hash, 0.5)
    return Dispute(
        showing_id=own["showing_id"],
        double=double,
        answers=(both[1], both[0]) if is_turned else both,
        seen=view,
        picture=picture["digest"] if picture else None,
        older_pictured=has_older is not None,
    )
