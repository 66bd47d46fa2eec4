"""The event log of a command: one JSON object a line, for programs that collect logs.

Events name runs, versions and counts, and never what is in the catalogue: no listing, seller or reviewer, no text. The
reason why a run failed may name such a thing, so it stands in the table `runs` alone.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

LOGGER = logging.getLogger("catalog_cleaner")

_bound: ContextVar[dict[str, object] | None] = ContextVar("bound", default=None)


def log_event(event: str, **fields: object) -> None:
    """Log an event.

    Args:
        event: its name, a few words joined by underscores.
        fields: names, numbers, dates and versions, also in lists and mappings; those of `bind_events` are added.
    """
    LOGGER.info(event, extra={"fields": {**(_bound.get() or {}), **fields}})


@contextmanager
def bind_events(**fields: object) -> Iterator[None]:
    """Add fields to all events of a block."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


@contextmanager
def event_log(file: Path) -> Iterator[None]:
    """Write the events of a block to a file, which is created with the first event."""
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLine())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    # TensorFlow gives the root logger a handler that writes to the terminal.
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()


class _JsonLine(logging.Formatter):
    """Formats an event as one JSON object in ASCII: `time` (UTC), `event`, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        time = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = getattr(record, "fields", {})
        return json.dumps({"time": time.replace("+00:00", "Z"), "event": record.getMessage(), **fields}, default=str)
