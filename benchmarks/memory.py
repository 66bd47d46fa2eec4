"""Monitors a program and its child processes: their peak memory, and which of them still run at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import psutil

_INTERVAL = 0.5
"""Seconds between two samples; a sample takes a few milliseconds, which should not slow the program down."""


class Part(StrEnum):
    """The parts of a program, of one process or several."""

    DRIVER = "driver"
    JVM = "JVM"
    WORKERS = "workers"
    RANKS = "ranks"
    OTHER = "other"


@dataclass
class Peak:
    """Peak memory in bytes: resident of the largest process, of all together, and private of the largest process.

    Resident memory includes mapped files, which the kernel drops when memory is short; private memory does not.
    """

    largest: int = 0
    total: int = 0
    private: int = 0

    def record(self, resident: Sequence[int], private: Sequence[int]) -> None:
        """Take a sample of the processes into account."""
        self.largest = max(self.largest, *resident, 0)
        self.total = max(self.total, sum(resident))
        self.private = max(self.private, *private, 0)


class ProcessMonitor:
    """Samples a process and its descendants until `close`."""

    def __init__(self, pid: int, spark: bool) -> None:
        """Start sampling.

        Args:
            pid: process id of the program.
            spark: True: `peak` is of Spark's Python workers, False: of the program itself.
        """
        self._program, self._spark = psutil.Process(pid), spark
        self._seen: dict[int, psutil.Process] = {}
        self._done = threading.Event()
        self.peaks = {part: Peak() for part in Part}
        """Of each part of the program."""
        self.together = Peak()
        """Of all its processes; pages that processes share count for each."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="memory")
        self._thread.start()

    @property
    def peak(self) -> Peak:
        """The peak of the part that `spark` chooses."""
        return self.peaks[Part.WORKERS if self._spark else Part.DRIVER]

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
        sizes: list[tuple[Part, int, int]] = []
        for process in self._running():
            self._seen.setdefault(process.pid, process)
            with suppress(psutil.Error):
                memory, part = process.memory_info(), self._part(process)
                sizes.append((part, memory.rss, max(memory.rss - memory.shared, 0)))
        for part, peak in self.peaks.items():
            mine = [(resident, private) for owner, resident, private in sizes if owner is part]
            peak.record([each[0] for each in mine], [each[1] for each in mine])
        self.together.record([each[1] for each in sizes], [each[2] for each in sizes])

    def _running(self) -> Iterator[psutil.Process]:
        yield self._program
        with suppress(psutil.Error):
            yield from self._program.children(recursive=True)

    def _part(self, process: psutil.Process) -> Part:
        """Which part a process belongs to, by its command line."""
        if process.pid == self._program.pid:
            return Part.DRIVER
        words = " ".join(process.cmdline())
        if words.split(" ")[0].endswith("java"):
            return Part.JVM
        if "pyspark.daemon" in words:  # workers are forked from it and have its command line
            return Part.WORKERS
        return Part.RANKS if "horovod" in words else Part.OTHER
