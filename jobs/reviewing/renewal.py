"""Starts the process that writes answers to the warehouse and renews the export, whenever there is a reason to."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from jobs.lifecycle import lock
from jobs.reviewing.database import Store, StoreError

LOG = "sync.log"
"""File in the store with what the process printed last."""
_LOOK_SECONDS = 5.0
_AFTER_FAILURE_SECONDS = 60.0
_END_SECONDS = 10.0
RUNS_SEEN = "runs_version"
"""Row of `state`: the version of the table runs that the process has looked at last."""
_logger = logging.getLogger(__name__)


class Renewal:
    """Runs the process in the background while the block lasts; one at a time.

    It is started if nothing has been exported yet, if the table `runs` of a local warehouse has a new version (a night
    may have published), and every so many seconds if answers wait or the warehouse is elsewhere. It waits
    while a job holds a local warehouse. If it fails, it is tried again a minute later; until then answers stay in the
    store. Each further failure doubles the wait, up to `every_seconds`.
    """

    def __init__(self, store: Store, warehouse: Path | None, command: Sequence[str], every_seconds: float) -> None:
        """Prepare it.

        Args:
            store: the store.
            warehouse: the warehouse's folder; None if it is not a local one.
            command: the process.
            every_seconds: how often at most, if there is no other reason.
        """
        self._store, self._warehouse, self._command, self._every = store, warehouse, list(command), every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)
        self._last_end, self._not_before, self._pause = float("-inf"), float("-inf"), _AFTER_FAILURE_SECONDS

    def __enter__(self) -> Renewal:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and with it a running process. It can be stopped at any time."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._is_due():
                    self._start()
            except (OSError, StoreError) as error:
                _logger.warning("the export was not renewed: %s", error)
                self._wait_after_failure()
            self._stop.wait(_LOOK_SECONDS)
        self._store.close()

    def _is_due(self) -> bool:
        now = time.monotonic()
        # While a job holds the warehouse, Spark would only take memory and time from it.
        is_held = self._warehouse is not None and lock.is_held(self._warehouse)
        if now < self._not_before or is_held:
            return False
        connection = self._store.reading()
        if connection.execute("SELECT 1 FROM open.meta").fetchone() is None:
            return True
        if self._warehouse is not None:
            seen = connection.execute("SELECT value FROM state WHERE name = ?", (RUNS_SEEN,)).fetchone()
            if seen is None or newest_version(self._warehouse / "runs") > int(seen["value"]):
                return True
        if now - self._last_end < self._every:
            return False
        waiting = connection.execute(
            "SELECT 1 FROM answers WHERE written = 0 AND (undone = 0 OR taken = 1) LIMIT 1"
        ).fetchone()
        return waiting is not None or self._warehouse is None

    def _start(self) -> None:
        with (self._store.folder / LOG).open("wb") as log:
            process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            while process.poll() is None:
                if self._stop.wait(0.2):
                    process.terminate()
                    try:
                        process.wait(_END_SECONDS)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                    return
        self._last_end = time.monotonic()
        if process.returncode == 0:
            self._pause = _AFTER_FAILURE_SECONDS
        else:
            self._wait_after_failure()
            _logger.warning("the export was not renewed; what was printed is in %s", self._store.folder / LOG)

    def _wait_after_failure(self) -> None:
        self._not_before = time.monotonic() + self._pause
        self._pause = max(_AFTER_FAILURE_SECONDS, min(2 * self._pause, self._every))


def newest_version(table: Path) -> int:
    """The newest version of a Delta table in a local folder, by its log's names; -1 if there is none."""
    names = (file.stem for file in (table / "_delta_log").glob("*.json"))
    return max((int(name) for name in names if name.isdecimal()), default=-1)
