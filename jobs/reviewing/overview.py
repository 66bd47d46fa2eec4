"""Counts for the page: progress, the filters with how much each finds, and the search in the taxonomy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.opinions import DECIDES, NOT_ANSWERED
from jobs.reviewing.shapes import sought
from jobs.reviewing.showing import PRIORITY, Filters, Reviewer

FOUND = 12
"""Categories that a search shows at most."""
_CHOICES = 200
"""Values of a filter that are offered at most; the most frequent ones."""
_AHEAD = 500
_PACE_SECONDS = 600.0
_FEWEST, _PACE_LEAST = 3, 30.0
"""Answers and seconds from which a pace is told."""


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes:
        today: the reviewer's standing answers since midnight.
        remaining: open questions that the filters find.
        elsewhere: how many of these somebody else has claimed.
        pace: the reviewer's answers an hour, over the last ten minutes; None with fewer than three
            or within half a minute.
        ahead, wrong: of the next questions about categories (at most 500), how many they are, and how many of the
            sellers' categories are wrong as the model estimates it.
        rate: share of the catalogue that is in a wrong category, as the model estimates it: in the publication, less
            what people have answered since, 0 to 1; None if unknown.
        run_date: the date of the publication that is shown; None without an export.
        waiting: answers that are safe here and not yet in the warehouse.
    """

    today: int
    remaining: int
    elsewhere: int
    pace: int | None
    ahead: int
    wrong: float
    rate: float | None
    run_date: str | None
    waiting: int


def progress(store: Store, who: Reviewer, filters: Filters, now: dt.datetime, midnight: dt.datetime) -> Progress:
    """How far the work is.

    Args:
        store: the store.
        who: the reviewer.
        filters: which questions are wanted.
        now: UTC.
        midnight: when the reviewer's day began, UTC.
    """
    connection = store.reading()
    condition, values = filters.condition()
    is_open = f"FROM open.questions q WHERE {condition} AND {NOT_ANSWERED}"
    values = {**values, "reviewer": who.name, "role": who.role}
    claimed = "EXISTS (SELECT 1 FROM claims c WHERE c.listing_id = q.listing_id AND c.page <> :page AND until > :now)"
    remaining, elsewhere = connection.execute(
        f"SELECT count(*), coalesce(sum({claimed}), 0) {is_open}",
        {**values, "page": who.page, "now": now.timestamp()},
    ).fetchone()
    ahead, wrong = connection.execute(
        f"SELECT count(*), coalesce(sum(wrong), 0) FROM (SELECT q.wrong {is_open} AND q.wrong IS NOT NULL "  # noqa: S608
        f"ORDER BY q.place LIMIT {_AHEAD})",
        values,
    ).fetchone()
    waiting = connection.execute(
        "SELECT count(*) FROM answers WHERE written = 0 AND (undone = 0 OR taken = 1)"
    ).fetchone()
    meta = {row["name"]: row["value"] for row in connection.execute("SELECT name, value FROM open.meta")}
    today, _ = _answered(connection, who, midnight)
    return Progress(
        today=today,
        remaining=remaining,
        elsewhere=elsewhere,
        pace=_pace(connection, who, now),
        ahead=ahead,
        wrong=wrong,
        rate=_rate(connection, meta),
        run_date=meta.get("run_date"),
        waiting=waiting[0],
    )


def _rate(connection: Connection, meta: Mapping[str, str | None]) -> float | None:
    listings, wrong = meta.get("listings"), meta.get("wrong")
    if not listings or wrong is None:
        return None
    # Of another publication's answers, this one's estimate knows.
    [settled] = connection.execute(
        "SELECT coalesce(sum(q.wrong), 0) FROM open.questions q JOIN (SELECT DISTINCT listing_id, judged_hash "  # noqa: S608
        f"FROM answers WHERE run_id = ? AND {DECIDES}) USING (listing_id, judged_hash)",
        (meta["run_id"],),
    ).fetchone()
    return max(float(wrong) - float(settled), 0.0) / float(listings)


def _answered(connection: Connection, who: Reviewer, since: dt.datetime) -> tuple[int, str]:
    """How many standing answers a reviewer has given since some time, and when the first of them."""
    row = connection.execute(
        "SELECT count(*), coalesce(min(decided_at), '') FROM answers WHERE reviewer = ? AND undone = 0 "
        "AND decision <> 'reopen' AND decided_at >= ?",
        (who.name, since.isoformat(timespec="microseconds")),
    ).fetchone()
    return int(row[0]), str(row[1])


def _pace(connection: Connection, who: Reviewer, now: dt.datetime) -> int | None:
    answers, first = _answered(connection, who, now - dt.timedelta(seconds=_PACE_SECONDS))
    if answers < _FEWEST:
        return None
    seconds = (now - dt.datetime.fromisoformat(first)).total_seconds()
    return round((answers - 1) / seconds * 3600) if seconds >= _PACE_LEAST else None


@dataclass(frozen=True)
class Choice:
    """A value of a filter: its name for people, and how many open questions it finds with the other filters."""

    value: str
    name: str
    count: int


def choices(store: Store, who: Reviewer, filters: Filters) -> dict[str, list[Choice]]:
    """The values of each filter, the most frequent first. A chosen value is among them, also if it finds nothing."""
    connection = store.reading()
    names = {row["category"]: row["label"] for row in connection.execute("SELECT category, label FROM open.categories")}
    columns = {
        "reason": ("r.reason", "JOIN open.reasons r USING (place)"),
        "category": ("q.category", ""),
        "suggested": ("q.suggested", ""),
        "department": ("q.department", ""),
        "seller": ("q.seller_id", ""),
        "priority": (PRIORITY, ""),
        "language": ("q.language", ""),
    }
    found = {}
    for name, (column, join) in columns.items():
        condition, values = filters.condition(without=name)
        rows = connection.execute(
            f"SELECT {column} AS value, count(*) AS count FROM open.questions q {join} "  # noqa: S608
            f"WHERE {column} IS NOT NULL AND {condition} AND {NOT_ANSWERED} "
            f"GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT {_CHOICES}",
            {**values, "reviewer": who.name, "role": who.role},
        ).fetchall()
        chosen = filters.given().get(name)
        known = [Choice(row["value"], names.get(row["value"], row["value"]), row["count"]) for row in rows]
        if chosen is not None and chosen not in {each.value for each in known}:
            known.insert(0, Choice(chosen, names.get(chosen, chosen), 0))
        found[name] = known
    return found


def search_categories(store: Store, text: str) -> list[Row]:
    """The categories whose label, path, code or synonyms contain all words of a text, the closest first."""
    words = sought(text).split()
    condition = " AND ".join(["1", *("sought LIKE ? ESCAPE '\\'" for _ in words)])
    patterns = [
        f"%{word.replace(chr(92), chr(92) * 2).replace('%', chr(92) + '%').replace('_', chr(92) + '_')}%"
        for word in words
    ]
    rows = store.reading().execute(f"SELECT * FROM open.categories WHERE {condition}", patterns).fetchall()  # noqa: S608
    return sorted(rows, key=lambda row: _distance(sought(text), words, row))[:FOUND]


def _distance(text: str, words: Sequence[str], row: Row) -> tuple[object, ...]:
    label = sought(row["label"])
    not_begun = sum(not any(part.startswith(word) for part in label.split()) for word in words)
    not_inside = sum(word not in label for word in words)
    return label != text, not label.startswith(text), not_begun, not_inside, row["path"]


def pictured(store: Store, listing_ids: Sequence[str]) -> set[str]:
    """Which of some listings have a picture."""
    places = ", ".join("?" * len(listing_ids))
    rows = store.reading().execute(
        f"SELECT listing_id FROM open.pictures WHERE listing_id IN ({places})",  # noqa: S608
        list(listing_ids),
    )
    return {row["listing_id"] for row in rows}


def category_names(store: Store) -> dict[str, tuple[str, str]]:
    """Category -> label and path."""
    rows = store.reading().execute("SELECT category, label, path FROM open.categories")
    return {row["category"]: (row["label"], row["path"]) for row in rows}


def picture(store: Store, listing_id: str, size: str) -> bytes | None:
    """A picture of a listing, in another size if there is none of this one; None if there is none."""
    rows = store.reading().execute(
        "SELECT jpeg FROM open.pictures WHERE listing_id = ? ORDER BY size <> ? LIMIT 1", (listing_id, size)
    )
    row = rows.fetchone()
    return None if row is None else bytes(row["jpeg"])
