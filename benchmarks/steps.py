"""The progress that a command prints on standard error."""

from __future__ import annotations

import re

_PROGRESS = re.compile(r"^\s*([\d.]+) s  (.+)$", re.MULTILINE)


def seconds_of_steps(log: str) -> dict[str, float]:
    """Progress message -> the seconds since the start that the program printed with it."""
    return {line: float(second) for second, line in _PROGRESS.findall(log)}
