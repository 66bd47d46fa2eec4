"""Shows open questions to reviewers: which come next, who has claimed which, and what was shown to whom."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.opinions import NEVER_ANSWERED, NOT_ANSWERED
from jobs.reviewing.shapes import AUDIT_QUESTION
from schemas.decisions import Decision

CLAIM_SECONDS = 600.0
"""For how long nobody else gets a question that somebody has been shown."""
_COMPARED = ("title", "description", "price", "currency", "condition", "category", "picture", "duplicate")
"""What a reviewer is told about if it has changed."""


PRIORITY = (
    "CASE WHEN q.wrong >= 0.5 THEN 'high' WHEN q.wrong >= 0.1 THEN 'medium' WHEN q.wrong IS NOT NULL THEN 'low' END"
)
"""How probably a question's category is wrong; null of blind ones and of other questions."""
_CONDITIONS = {
    "priority": f"{PRIORITY} = :priority",
    "reason": "q.place IN (SELECT place FROM open.reasons WHERE reason = :reason)",
    "seller": "q.seller_id = :seller",
    "drawn": "1",
    "search": "q.listing_id IN (SELECT :search UNION SELECT listing_id FROM open.texts WHERE texts MATCH :words)",
}
"""Filters that are not simply the value of a column of their name."""


def words_of(search: str) -> str:
    """What SQLite's full text search is asked for, so that each word of a text begins a word of the listing."""
    words = (word.replace('"', '""') for word in search.split() if any(map(str.isalnum, word)))
    return " ".join(f'"{word}"*' for word in words) or '""'


@dataclass(frozen=True)
class Reviewer:
    """Who works.

    Attributes:
        window: of the browser; an undo is about what was answered in it.
        page: a loaded page; it holds claims.
        name: the person.
        role: reviewer, lead or admin.
    """

    window: str
    page: str
    name: str
    role: str


@dataclass(frozen=True)
class Filters:
    """Which questions are wanted; None: all. A blind question has no category, suggestion and department.

    Attributes:
        priority: high, medium or low.
        search: a listing's id, or beginnings of words that title and description have, all of them.
        drawn: set if the order is to be random, so that the first ones stand for all.
    """

    reason: str | None = None
    category: str | None = None
    suggested: str | None = None
    department: str | None = None
    seller: str | None = None
    priority: str | None = None
    language: str | None = None
    search: str | None = None
    drawn: str | None = None

    def condition(self, without: str | None = None) -> tuple[str, dict[str, str]]:
        """The filters as SQL about a question q, and its parameters.

        Args:
            without: a filter to leave out.
        """
        given = {name: value for name, value in self.given().items() if name != without}
        parts = [_CONDITIONS.get(name, f"q.{name} = :{name}") for name in given]
        words = {"words": words_of(given["search"])} if "search" in given else {}
        return " AND ".join(["1", *parts]), {**given, **words}

    @property
    def order(self) -> str:
        """The order as SQL: that of the work list; in a group of alike cases at random, so that some stand for all."""
        is_group = self.seller and self.category and self.suggested
        return "q.draw" if is_group or self.drawn else "q.place"

    def given(self) -> dict[str, str]:
        """The filters that are set."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class Showing:
    """A question as it is shown to somebody.

    Attributes:
        showing_id: the key of the answer to it: however often it is sent, it counts once.
        question: the name of the question.
        reasons: the reasons that it is about; of a blind one only that.
        view: what `OpenItem` holds, as JSON values.
        changed: what has changed since the reviewer saw the listing, as far as it is shown; None: it is shown for the
            first time.
        answer: what the reviewer answered last time, if it is shown again: decision, category and note.
        number: of that answer.
    """

    showing_id: str
    question: str
    reasons: Sequence[str]
    view: dict[str, Any]
    changed: Sequence[str] | None = None
    answer: dict[str, str | None] | None = None
    number: int | None = None

    @property
    def is_blind(self) -> bool:
        """Whether model and seller must not be seen."""
        return self.question == AUDIT_QUESTION


def show_next(
    store: Store,
    who: Reviewer,
    filters: Filters,
    held: Collection[str],
    wanted: int,
    now: dt.datetime,
    seconds: bool = True,
) -> list[Showing]:
    """Claim the next questions for a reviewer.

    Args:
        store: the store.
        who: the reviewer.
        filters: which questions are wanted.
        held: showings that the window still has; their claims are renewed.
        wanted: how many questions at most.
        now: UTC.
        seconds: whether questions that need a second opinion are among them.

    Returns:
        The showings, in the order of the work list, after what a lead has left to the reviewer.
    """
    condition, values = filters.condition()
    is_open = NOT_ANSWERED if seconds else NEVER_ANSWERED
    with store.writing() as connection:
        kept = _showings(connection, held)
        # A claim that would last much longer than any was made before the clock was set back. One that lasts a little
        # longer is that of a request which came later and went first: it stands.
        times = (now.timestamp(), now.timestamp() + 2 * CLAIM_SECONDS)
        connection.execute("DELETE FROM claims WHERE until <= ? OR until > ?", times)
        _claim(connection, who, [row["listing_id"] for row in kept], now)
        left = "SELECT 1 FROM assigned x WHERE x.reviewer = :reviewer"
        has_left = connection.execute(left, {"reviewer": who.name}).fetchone() is not None
        own = f"EXISTS ({left} AND x.listing_id = q.listing_id AND x.judged_hash = q.judged_hash) DESC, "
        order = f"{own if has_left else ''}{filters.order}"
        found = connection.execute(
            f"SELECT q.* FROM open.questions q WHERE {condition} AND {is_open} AND NOT EXISTS ("  # noqa: S608
            "SELECT 1 FROM claims c WHERE c.listing_id = q.listing_id AND c.page <> :page) "
            f"ORDER BY {order} LIMIT :limit",
            {**values, "reviewer": who.name, "role": who.role, "page": who.page, "limit": wanted + len(kept)},
        ).fetchall()
        has = {(row["listing_id"], row["judged_hash"]) for row in kept}
        fresh = [row for row in found if (row["listing_id"], row["judged_hash"]) not in has][:wanted]
        _claim(connection, who, [row["listing_id"] for row in fresh], now)
        return [show(connection, who, row, now) for row in fresh]


def show_again(
    connection: Connection, who: Reviewer, listing_id: str, judged: Sequence[str], now: dt.datetime
) -> Showing | None:
    """Show a listing's question again; None if it is no longer open.

    Args:
        connection: within a transaction.
        who: the reviewer.
        listing_id: the listing.
        judged: the question's name; "category" and "audit" stand for each other.
        now: UTC.
    """
    places = ", ".join("?" * len(judged))
    row = connection.execute(
        f"SELECT * FROM open.questions WHERE listing_id = ? AND question IN ({places}) ORDER BY place",  # noqa: S608
        (listing_id, *judged),
    ).fetchone()
    if row is None:
        return None
    _claim(connection, who, [listing_id], now)
    return show(connection, who, row, now)


def show(connection: Connection, who: Reviewer, row: Row, now: dt.datetime) -> Showing:
    """Record that a question is shown."""
    listing = connection.execute("SELECT * FROM open.listings WHERE listing_id = ?", (row["listing_id"],)).fetchone()
    reasons = connection.execute("SELECT reason FROM open.reasons WHERE place = ?", (row["place"],)).fetchall()
    run_id = connection.execute("SELECT value FROM open.meta WHERE name = 'run_id'").fetchone()
    view = json.loads(listing["view"])
    showing = Showing(secrets.token_urlsafe(12), row["question"], [each["reason"] for each in reasons], view)
    values = {
        "showing_id": showing.showing_id,
        "browser": who.window,
        "reviewer": who.name,
        "listing_id": row["listing_id"],
        "question": row["question"],
        "content_hash": listing["content_hash"],
        "judged_hash": row["judged_hash"],
        "run_id": run_id["value"],
        "audit_chance": row["audit_chance"],
        "seller_id": view["seller"]["seller_id"] if view["seller"] else None,
        "seller_category": view["category"],
        "best_category": view["best_category"],
        "seen": json.dumps(_seen(view)),
        "shown_at": now.isoformat(timespec="microseconds"),
    }
    connection.execute(
        f"INSERT INTO showings ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})",  # noqa: S608
        values,
    )
    return showing


def changes_since(seen: str, view: dict[str, Any]) -> list[str]:
    """What a reviewer saw otherwise: names of `OpenItem`'s attributes.

    Args:
        seen: the column `seen` of a showing.
        view: the listing now.
    """
    before, now = json.loads(seen), _seen(view)
    return [name for name in _COMPARED if before[name] != now[name]]


def release(store: Store, page: str) -> None:
    """Give back all claims of a page that is closed."""
    with store.writing() as connection:
        connection.execute("DELETE FROM claims WHERE page = ?", (page,))


def last_answer(connection: Connection, who: Reviewer, before: int | None = None) -> Row | None:
    """The last answer of a window that stands, or the last of its reviewer if the window gave none.

    Args:
        connection: to the store.
        who: the window and its reviewer.
        before: only answers with a lower number; None: all.
    """
    for column, value in (("s.browser", who.window), ("a.reviewer", who.name)):
        found: Row | None = connection.execute(
            "SELECT a.*, s.seen FROM answers a JOIN showings s USING (showing_id) "  # noqa: S608 - two fixed names
            f"WHERE {column} = ? AND a.undone = 0 AND a.number < ? ORDER BY a.number DESC LIMIT 1",
            (value, before or 2**62),
        ).fetchone()
        if found is not None:
            return found
    return None


def answered_before(row: Row) -> dict[str, str | None]:
    """What an answer said."""
    decision = "confirm" if row["reason"] and row["decision"] == Decision.ACCEPT.value else row["decision"]
    return {"decision": decision, "category": row["category"], "note": row["note"]}


def _showings(connection: Connection, held: Collection[str]) -> list[Row]:
    places = ", ".join("?" * len(held))
    return connection.execute(f"SELECT * FROM showings WHERE showing_id IN ({places})", list(held)).fetchall()  # noqa: S608


def _claim(connection: Connection, who: Reviewer, listing_ids: Sequence[str], now: dt.datetime) -> None:
    until = now.timestamp() + CLAIM_SECONDS
    # A claim that somebody else has taken over in the meantime stays theirs.
    connection.executemany(
        "INSERT INTO claims VALUES (?, ?, ?, ?) ON CONFLICT (listing_id) DO UPDATE SET until = excluded.until "
        "WHERE page = excluded.page",
        [(listing_id, who.page, who.name, until) for listing_id in listing_ids],
    )


def _seen(view: dict[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in _COMPARED}
