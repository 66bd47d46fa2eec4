"""Monitors a program and its child processes: their peak memory, and which of them still run at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

_INTERVAL = 0.5
"""Seconds between two samples; a sample takes a few milliseconds, which should not slow the program down."""


@dataclass
class Peak:
    """Peak resident memory in bytes: of the largest process, and of all processes together."""

    largest: int = 0
    total: int = 0


class ProcessMonitor:
    """Samples a process and its descendants until `close`."""

    def __init__(self, pid: int, spark: bool) -> None:
        """Start sampling.

        Args:
            pid: process id of the program.
            spark: True measures Spark's Python workers, False the program itself.
        """
        self._program, self._spark = psutil.Process(pid), spark
        self._seen: dict[int, psutil.Process] = {}
        self._workers: dict[int, bool] = {}
        self._done = threading.Event()
        self.peak = Peak()
        self._thread = threading.Thread(target=self._run, daemon=True, name="memory")
        self._thread.start()

    def close(self) -> list[psutil.Process]:
        """Stop sampling.

        Returns:
            The processes that were seen and still run.
        """
        self._sample()
        self._done.set()
        self._thread.join()
        return [process for process in self._seen.values() if process.is_running()]

    def _run(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._sample()

    def _sample(self) -> None:
        sizes = []
        for process in self._running():
            self._seen.setdefault(process.pid, process)
            with suppress(psutil.Error):
                if self._counts(process):
                    sizes.append(process.memory_info().rss)
        self.peak.largest = max(self.peak.largest, *sizes, 0)
        self.peak.total = max(self.peak.total, sum(sizes))

    def _running(self) -> Iterator[psutil.Process]:
        yield self._program
        with suppress(psutil.Error):
            yield from self._program.children(recursive=True)

    def _counts(self, process: psutil.Process) -> bool:
        if not self._spark:
            return bool(process.pid == self._program.pid)
        if process.pid not in self._workers:
            # Workers are forked from the daemon and have its command line; the daemon's own parent is the JVM.
            parent = process.parent()
            self._workers[process.pid] = parent is not None and "pyspark.daemon" in parent.cmdline()
        return self._workers[process.pid]
