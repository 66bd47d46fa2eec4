"""Watches the processes that a program starts: the memory of its Python workers, and that none outlives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

_SECONDS = 0.5
"""Between two looks: a look costs some milliseconds, which the measured program shall not miss."""


@dataclass
class Peak:
    """The most resident memory at one moment, in bytes: of the largest process, and of all together."""

    largest: int = 0
    together: int = 0


class Watch:
    """Looks at a process and all that descend from it until `close`."""

    def __init__(self, pid: int, spark: bool) -> None:
        """Start to look.

        Args:
            pid: the program.
            spark: whether Spark's Python workers are measured; else the program itself is.
        """
        self._program, self._spark = psutil.Process(pid), spark
        self._seen: dict[int, psutil.Process] = {}
        self._workers: dict[int, bool] = {}
        self._done = threading.Event()
        self.peak = Peak()
        self._thread = threading.Thread(target=self._run, daemon=True, name="memory")
        self._thread.start()

    def close(self) -> list[psutil.Process]:
        """Stop looking.

        Returns:
            Every process that was seen and still lives.
        """
        self._look()
        self._done.set()
        self._thread.join()
        return [process for process in self._seen.values() if process.is_running()]

    def _run(self) -> None:
        while not self._done.wait(_SECONDS):
            self._look()

    def _look(self) -> None:
        sizes = []
        for process in self._living():
            self._seen.setdefault(process.pid, process)
            with suppress(psutil.Error):
                if self._counts(process):
                    sizes.append(process.memory_info().rss)
        self.peak.largest = max(self.peak.largest, *sizes, 0)
        self.peak.together = max(self.peak.together, sum(sizes))

    def _living(self) -> Iterator[psutil.Process]:
        yield self._program
        with suppress(psutil.Error):
            yield from self._program.children(recursive=True)

    def _counts(self, process: psutil.Process) -> bool:
        if not self._spark:
            return bool(process.pid == self._program.pid)
        if process.pid not in self._workers:
            # Workers are forked by the daemon, so that they share its command line; its own parent is the JVM.
            parent = process.parent()
            self._workers[process.pid] = parent is not None and "pyspark.daemon" in parent.cmdline()
        return self._workers[process.pid]
