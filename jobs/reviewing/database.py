"""The two SQLite files of the review page. Only this module imports sqlite3.

The *export* holds what is open; each one is a new file that replaces the last one. The *answers* hold what people do;
no export touches them. An answer is safe when its transaction has ended: WAL, and synchronous FULL.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import FailedError

EXPORT, ANSWERS = "open-items.sqlite", "answers.sqlite"
EXPORT_FORMAT, ANSWERS_FORMAT = 2, 1
"""An export of another format is made anew; answers of a later format are refused."""
Row = sqlite3.Row
Connection = sqlite3.Connection
StoreError = sqlite3.Error
"""What a full disk, a damaged file and the like raise."""
_BUSY_SECONDS = 30.0

_EXPORT_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE categories (category TEXT PRIMARY KEY, label TEXT, path TEXT, department TEXT, sought TEXT) WITHOUT ROWID;
CREATE TABLE listings (listing_id TEXT PRIMARY KEY, content_hash TEXT, seller_id TEXT, language TEXT, view TEXT);
CREATE TABLE questions (
  place INTEGER PRIMARY KEY, listing_id TEXT, question TEXT, judged_hash TEXT, audit_chance REAL, wrong REAL,
  category TEXT, suggested TEXT, share REAL, department TEXT, seller_id TEXT, language TEXT, draw INTEGER,
  UNIQUE (listing_id, question)
);
CREATE TABLE reasons (reason TEXT, place INTEGER, PRIMARY KEY (reason, place)) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(
  listing_id UNINDEXED, title, description, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE pictures (listing_id TEXT, size TEXT, digest TEXT, jpeg BLOB, PRIMARY KEY (listing_id, size));
"""
_ANSWER_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS showings (
  showing_id TEXT PRIMARY KEY, browser TEXT, reviewer TEXT, listing_id TEXT, question TEXT, content_hash TEXT,
  judged_hash TEXT, run_id TEXT, audit_chance REAL, seller_id TEXT, seller_category TEXT, best_category TEXT,
  seen TEXT, shown_at TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
  listing_id TEXT PRIMARY KEY, page TEXT, reviewer TEXT, until REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  number INTEGER PRIMARY KEY AUTOINCREMENT, decision_id TEXT UNIQUE, showing_id TEXT UNIQUE, listing_id TEXT,
  question TEXT, content_hash TEXT, judged_hash TEXT, run_id TEXT, decision TEXT, reason TEXT, category TEXT, note TEXT,
  reviewer TEXT, reviewer_role TEXT, purpose TEXT, batch_id TEXT, reopens TEXT, decided_at TEXT,
  taken INTEGER DEFAULT 0, written INTEGER DEFAULT 0, undone INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS answers_by_question ON answers (listing_id, question);
CREATE INDEX IF NOT EXISTS answers_to_write ON answers (written) WHERE written = 0;
CREATE TABLE IF NOT EXISTS sessions (session TEXT PRIMARY KEY, name TEXT, credential TEXT, until REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (key TEXT PRIMARY KEY, count INTEGER, last REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assigned (
  listing_id TEXT, judged_hash TEXT, reviewer TEXT, assigned_by TEXT, assigned_at TEXT,
  PRIMARY KEY (listing_id, judged_hash)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS undos (undo_id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
"""
_ADDED = {
    "asks_second": "INTEGER NOT NULL DEFAULT 0",
    "is_known": "INTEGER NOT NULL DEFAULT 0",
    "reopens": "TEXT",
    "undone_by": "TEXT",
    "undone_at": "TEXT",
}
"""Columns of `answers` that files of earlier versions lack."""


class Store:
    """The store's folder. Each thread has connections of its own; one thread at a time writes."""

    def __init__(self, folder: Path) -> None:
        """Open the answers in a folder, which is made if it is missing.

        Raises:
            FailedError: the folder or the file cannot be written, or a later version of the program wrote it.
        """
        self.folder = folder
        self._local = threading.local()
        self._writing = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.writing() as answers:
                self._prepare(answers)
        except (OSError, StoreError) as error:
            raise FailedError(f"the store of the review page, {folder}, cannot be written: {error}.") from error

    def _prepare(self, answers: Connection) -> None:
        version = answers.execute("PRAGMA user_version").fetchone()[0]
        if version > ANSWERS_FORMAT:
            raise FailedError(
                f"{self.folder / ANSWERS} has format {version}, but this catalog-cleaner knows only "
                f"{ANSWERS_FORMAT}: a newer one wrote it. Upgrade catalog-cleaner."
            )
        for statement in _ANSWER_TABLES.split(";"):
            answers.execute(statement)
        known = {row["name"] for row in answers.execute("PRAGMA table_info(answers)")}
        for name in _ADDED.keys() - known:
            answers.execute(f"ALTER TABLE answers ADD COLUMN {name} {_ADDED[name]}")
        answers.execute(f"PRAGMA user_version = {ANSWERS_FORMAT}")

    def reading(self) -> Connection:
        """A connection of this thread to the answers, with the newest export attached as `open`; it begins nothing.

        Without an export of this program's format, the attached tables are empty.
        """
        connection = self._connection()
        file = self.folder / EXPORT
        newest = _identity(file)
        if self._local.attached != newest:
            if self._local.attached is not None:
                connection.execute("DETACH open")
            if newest == _NO_FILE or not _attach(connection, file):
                connection.execute("ATTACH 'file::memory:' AS open")
                for statement in _EXPORT_TABLES.split(";"):
                    connection.execute(statement.replace(" TABLE ", " TABLE open.", 1))
            self._local.attached = newest
        return connection

    def export_id(self) -> tuple[int, int, int]:
        """What changes when another export takes the place of the last one."""
        return _identity(self.folder / EXPORT)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As `reading`, in a transaction that is committed at the end, or rolled back after an error."""
        with self._writing:
            connection = self.reading()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def remembered(self, name: str, value: str) -> str:
        """A value of the store that is kept from its first use on.

        Args:
            name: its name.
            value: what to keep if there is none yet.
        """
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO state VALUES (?, ?)", (name, value))
            return str(connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection."""
        if getattr(self._local, "connection", None) is not None:
            self._local.connection.close()
            self._local.connection = None

    def _connection(self) -> Connection:
        if getattr(self._local, "connection", None) is None:
            file = self.folder / ANSWERS
            connection = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode=rwc", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            file.chmod(0o600)
            self._local.connection, self._local.attached = connection, None
        open_connection: Connection = self._local.connection
        return open_connection


def _attach(connection: Connection, file: Path) -> bool:
    """Attach an export as `open`; not one that has another format, which an earlier version of the program wrote."""
    connection.execute("ATTACH ? AS open", (f"{file.resolve().as_uri()}?mode=ro",))
    written_as = connection.execute("SELECT value FROM open.meta WHERE name = 'format'").fetchone()
    if written_as is not None and written_as["value"] == str(EXPORT_FORMAT):
        return True
    connection.execute("DETACH open")
    return False


_NO_FILE = (0, 0, 0)


def _identity(file: Path) -> tuple[int, int, int]:
    """What changes when another file takes its place."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return _NO_FILE
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def new_export(folder: Path) -> Iterator[Callable[[str, Iterable[tuple[object, ...]]], None]]:
    """Write an export that replaces the last one when the block ends; after an error the last one stays.

    Yields:
        A function that inserts rows: table and values, in the order of its columns.

    Raises:
        FailedError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for leftover in folder.glob(f"{EXPORT}.*.tmp"):  # of an export that was killed
        leftover.unlink()
    file = folder / f"{EXPORT}.{os.getpid()}.tmp"
    try:
        connection = sqlite3.connect(file, isolation_level=None)
        file.chmod(0o600)
        # Nobody reads it before it is complete and on the disk.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_EXPORT_TABLES)
        connection.execute("BEGIN")

        def insert(table: str, rows: Iterable[tuple[object, ...]]) -> None:
            places = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * places)})", rows)  # noqa: S608

        yield insert
        connection.execute("COMMIT")
        connection.close()
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(folder / EXPORT)
    except (OSError, StoreError) as error:
        raise FailedError(f"the export of the review page was not written to {folder}: {error}.") from error
    finally:
        file.unlink(missing_ok=True)
