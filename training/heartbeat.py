"""A sign that the ranks make progress: a file whose time of change moves on while any of them does."""

from __future__ import annotations

import time
from pathlib import Path

_SECONDS = 1.0
"""The file is touched at most once in this time."""


class Heartbeat:
    """The sign of this process. Without a file, `beat` does nothing."""

    def __init__(self) -> None:
        """Start without a file."""
        self._file: Path | None = None
        self._next = 0.0

    def start(self, file: Path) -> None:
        """Touch a file from now on; it must be in a folder that the driver can access."""
        self._file = file

    def beat(self) -> None:
        """Show progress. Call it in every loop over many rows, and for each collective operation."""
        now = time.monotonic()
        if self._file is not None and now >= self._next:
            self._next = now + _SECONDS
            self._file.touch()


HEARTBEAT = Heartbeat()
"""A process has one, because it is one rank."""
