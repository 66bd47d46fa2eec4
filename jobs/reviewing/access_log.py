"""Who saw and did what on the review page: lines of JSON in the store, to which the server only appends.

Listings are named by keyed hashes, so that an erasure has nothing to remove from it. A line is with the operating
system before the request is answered: a killed server loses none, a power cut may lose the last ones.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from jobs.reviewing.database import Store
from udfs.keyed_hash import keyed_hash

FILE = "access.log"
"""The file of today (UTC); that of an earlier day has its date at the end."""
_PURPOSE = "reviewed listing"
_DATED = re.compile(rf"{re.escape(FILE)}\.(\d{{4}}-\d\d-\d\d)")
_logger = logging.getLogger(__name__)


class _Handler(TimedRotatingFileHandler):
    """A new file each day, which only its owner can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding="utf-8")  # noqa: PTH123 - of a descriptor

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        # An answer is not refused because of a full disk here: the store says by itself if it cannot keep it.
        _logger.error("the access log cannot be written (%s); missing: %s", sys.exc_info()[1], record.getMessage())


class AccessLog:
    """The log of a store."""

    def __init__(self, store: Store) -> None:
        """Open the log. Its key is made with the first line, and stays in the store."""
        self._key = bytes.fromhex(store.remembered("access_key", secrets.token_hex(32)))
        self._handler = _Handler(store.folder / FILE, when="midnight", utc=True, encoding="utf-8", delay=True)

    def name_of(self, listing_id: str) -> str:
        """What stands for a listing in the log: 32 hexadecimal digits."""
        return keyed_hash(self._key, _PURPOSE, listing_id)

    def write(self, now: dt.datetime, user: str | None, what: str, listing_ids: Iterable[str], **more: object) -> None:
        """Add a line.

        Args:
            now: UTC.
            user: who; None: nobody known.
            what: what was done.
            listing_ids: with which listings.
            more: further values; those that are None are left out.
        """
        line = {
            "time": now.isoformat(timespec="milliseconds"),
            "user": user,
            "what": what,
            "listings": [self.name_of(each) for each in listing_ids],
            **{name: value for name, value in more.items() if value is not None},
        }
        self._handler.handle(logging.makeLogRecord({"msg": json.dumps(line, ensure_ascii=False)}))


def forget_old_accesses(folder: Path, now: dt.datetime, keep_days: int) -> None:
    """Remove the files of days that are over for longer than some days.

    Args:
        folder: the store.
        now: UTC.
        keep_days: how many days are kept besides today.
    """
    oldest = now.date() - dt.timedelta(days=keep_days)
    for file in folder.glob(f"{FILE}.*"):
        dated = _DATED.fullmatch(file.name)
        if dated is not None and dt.date.fromisoformat(dated[1]) < oldest:
            file.unlink()
