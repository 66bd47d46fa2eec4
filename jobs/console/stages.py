"""Measures how long the stages of a command take, for its summary."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.console.summary import Section


class Stages:
    """The stages of a command, which follow each other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without a stage.

        Args:
            clock: seconds since any time.
        """
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._current: tuple[str, float] | None = None

    def begin(self, name: str) -> None:
        """End the current stage and begin one; the times of stages with one name are added."""
        self.end()
        self._current = (name, self._clock())

    def end(self) -> None:
        """End the current stage, if there is one."""
        if self._current is not None:
            name, began = self._current
            self._seconds[name] = self._seconds.get(name, 0.0) + self._clock() - began
        self._current = None

    def section(self) -> Section:
        """The stages in the order in which they first began, with their seconds."""
        rows = [(name, round(seconds, 1)) for name, seconds in self._seconds.items()]
        return Section("time by stage", ("stage", "seconds"), rows, key="stages")
