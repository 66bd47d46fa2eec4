"""The answers on their way from the store to the table review_decisions."""

from __future__ import annotations

import datetime as dt

from jobs.reviewing.database import Row, Store
from jobs.reviewing.renewal import RUNS_SEEN

_UNANSWERED_DAYS = 7
BATCH = 2000
"""Answers that are written at once at most."""
_WAITING = "written = 0 AND (undone = 0 OR taken = 1)"


def take_answers(store: Store) -> list[Row]:
    """The oldest answers that are not in the table yet.

    From now on an undo cannot simply forget them: it adds a reopen. What was taken before and then undone is given with
    its reopen, since it may be in the table.
    """
    with store.writing() as connection:
        rows = connection.execute(f"SELECT * FROM answers WHERE {_WAITING} ORDER BY number LIMIT {BATCH}").fetchall()  # noqa: S608
        connection.executemany("UPDATE answers SET taken = 1 WHERE number = ?", [(row["number"],) for row in rows])
        return rows


def mark_written(store: Store, rows: list[Row]) -> None:
    """Record that answers are in the table, or in quarantine."""
    with store.writing() as connection:
        connection.executemany("UPDATE answers SET written = 1 WHERE number = ?", [(row["number"],) for row in rows])


def waiting_answers(store: Store) -> int:
    """How many answers are not in the table yet."""
    return int(store.reading().execute(f"SELECT count(*) FROM answers WHERE {_WAITING}").fetchone()[0])  # noqa: S608


def forget_old(store: Store, now: dt.datetime, keep_days: int) -> None:
    """Delete what nobody needs any longer, so that the store does not grow for ever.

    Args:
        store: the store.
        now: UTC.
        keep_days: answers that are in the table are kept so many days; showings without an answer for a week.
    """
    old, unanswered = (
        (now - dt.timedelta(days=days)).isoformat(timespec="microseconds") for days in (keep_days, _UNANSWERED_DAYS)
    )
    with store.writing() as connection:
        connection.execute("DELETE FROM answers WHERE written = 1 AND decided_at < ?", (old,))
        connection.execute("DELETE FROM answers WHERE undone = 1 AND taken = 0 AND decided_at < ?", (old,))
        connection.execute(
            "DELETE FROM showings WHERE shown_at < ? AND showing_id NOT IN "
            "(SELECT showing_id FROM answers WHERE showing_id IS NOT NULL)",
            (unanswered,),
        )
        connection.execute("DELETE FROM assigned WHERE assigned_at < ?", (old,))
        connection.execute("DELETE FROM undos WHERE number NOT IN (SELECT number FROM answers)")


def exported_run(store: Store) -> str | None:
    """The publication that the export shows; None without an export of this format."""
    rows = {row["name"]: row["value"] for row in store.reading().execute("SELECT name, value FROM open.meta")}
    return rows.get("run_id")


def remember_runs(store: Store, version: int) -> None:
    """Record the version of the table runs that has been looked at."""
    with store.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (RUNS_SEEN, str(version)))
