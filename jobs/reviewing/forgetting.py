"""Erases listings from the store of the review page."""

from __future__ import annotations

from pathlib import Path

from jobs.erasure.names import Names
from jobs.reviewing.database import ANSWERS, EXPORT, Store
from jobs.reviewing.renewal import LOG

_OF_A_LISTING = ("showings", "claims", "assigned", "answers")
_TEXTS = (("showings", "showing_id", "seen"), ("answers", "number", "note"))
"""Table, key and column."""


def forget_in_store(folder: Path, names: Names) -> int:
    """Remove what names erased listings, also from free pages of the files; other texts that name one lose the id.

    The export goes as a whole: the page is empty until it is exported anew.

    Args:
        folder: the store; it need not exist.
        names: what is erased.

    Returns:
        The number of answers that were removed.

    Raises:
        FailedError: the store cannot be written.
    """
    for name in (EXPORT, LOG):
        (folder / name).unlink(missing_ok=True)
    if not (folder / ANSWERS).is_file():
        return 0
    store = Store(folder)
    removed = 0
    with store.writing() as connection:
        connection.execute("PRAGMA secure_delete = ON")
        for table in _OF_A_LISTING:
            ids = [(each,) for each in sorted(names.listings)]
            deleted = connection.executemany(f"DELETE FROM {table} WHERE listing_id = ?", ids).rowcount  # noqa: S608
            removed += deleted if table == "answers" else 0
        for table, key, column in _TEXTS:
            rows = connection.execute(f"SELECT {key} AS key, {column} AS text FROM {table}").fetchall()  # noqa: S608
            named = [(names.redacted(row["text"]), row["key"]) for row in rows if names.in_text(row["text"] or "")]
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", named)  # noqa: S608
    store.reading().execute("VACUUM")
    store.reading().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return removed
