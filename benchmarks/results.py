"""What a benchmark found: a line a ratio, held against the limit that is wanted, and kept as JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.machine import machine, versions


class Sense(StrEnum):
    """On which side of a limit a ratio should be."""

    AT_LEAST = "at least"
    ABOVE = "above"
    AT_MOST = "at most"


@dataclass(frozen=True)
class Limit:
    """What a ratio should keep."""

    sense: Sense
    value: float

    def met(self, ratio: float) -> bool:
        """Whether a ratio keeps it."""
        if self.sense is Sense.AT_LEAST:
            return ratio >= self.value
        return ratio > self.value if self.sense is Sense.ABOVE else ratio <= self.value

    def __str__(self) -> str:
        """In words."""
        return f"{self.sense} {self.value:g}"


@dataclass(frozen=True)
class Line:
    """A ratio.

    Attributes:
        what: is measured, over what.
        ratio: None where noise hides it.
        figures: name -> what the ratio is of.
        listings: how many it was measured on.
        limit: None where no limit is wanted.
        unit: of the figures: seconds, or mebibytes.
    """

    what: str
    ratio: float | None
    figures: Mapping[str, float]
    listings: int
    limit: Limit | None = None
    unit: str = "s"

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `not measurable`, or `-` where no limit is wanted."""
        if self.limit is None:
            return "-"
        if self.ratio is None:
            return "not measurable"
        return "met" if self.limit.met(self.ratio) else "missed"


@dataclass(frozen=True)
class Outcome:
    """What a benchmark found.

    Attributes:
        name: of the benchmark.
        scale: of its sizes; limits are meant for 1.
        lines: the ratios.
        details: every measurement, as JSON values.
    """

    name: str
    scale: float
    lines: Sequence[Line]
    details: Mapping[str, object]


def write_outcome(outcome: Outcome, folder: Path, moment: dt.datetime) -> Path:
    """Keep an outcome as `<folder>/<name>.json`, with where and with what it was measured.

    Args:
        outcome: what was found.
        folder: made where it is not there.
        moment: when.

    Returns:
        The file.
    """
    kept = {
        "benchmark": outcome.name,
        "date": moment.isoformat(timespec="seconds"),
        "scale": outcome.scale,
        "machine": machine(),
        "versions": versions(),
        "ratios": [
            {
                "what": line.what,
                "ratio": None if line.ratio is None else round(line.ratio, 4),
                "wanted": None if line.limit is None else str(line.limit),
                "verdict": line.verdict,
                "listings": line.listings,
                "unit": line.unit,
                "figures": {name: round(value, 6) for name, value in line.figures.items()},
            }
            for line in outcome.lines
        ],
        "details": outcome.details,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome.name}.json"
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return path
