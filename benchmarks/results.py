"""A benchmark's result: its ratios, the limits that they should meet, and the JSON file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.machine import machine, versions


class Relation(StrEnum):
    """How a ratio should compare with its limit."""

    AT_LEAST = "at least"
    ABOVE = "above"
    AT_MOST = "at most"


@dataclass(frozen=True)
class Limit:
    """The limit of a ratio."""

    comparison: Relation
    value: float

    def met(self, ratio: float) -> bool:
        """Whether a ratio meets the limit."""
        if self.comparison is Relation.AT_LEAST:
            return ratio >= self.value
        return ratio > self.value if self.comparison is Relation.ABOVE else ratio <= self.value

    def __str__(self) -> str:
        """Such as "at least 0.9"."""
        return f"{self.comparison} {self.value:g}"


@dataclass(frozen=True)
class Ratio:
    """A measured ratio.

    Attributes:
        what: what is compared with what.
        ratio: its value; None if noise is larger than the measured effect.
        figures: the measured values by name.
        listings: the number of listings.
        limit: None: the ratio has no limit.
        unit: of the figures, s or MiB; empty for a share.
    """

    what: str
    ratio: float | None
    figures: Mapping[str, float]
    listings: int
    limit: Limit | None = None
    unit: str = "s"

    @property
    def status(self) -> str:
        """`met`, `missed`, `not measurable`, or `-` if the ratio has no limit."""
        if self.limit is None:
            return "-"
        if self.ratio is None:
            return "not measurable"
        return "met" if self.limit.met(self.ratio) else "missed"


@dataclass(frozen=True)
class Result:
    """The result of a benchmark.

    Attributes:
        name: of the benchmark.
        scale: factor for all sizes; the limits are meant for 1.
        ratios: the ratios.
        details: every measurement, as JSON values.
    """

    name: str
    scale: float
    ratios: Sequence[Ratio]
    details: Mapping[str, object]


def write_result(result: Result, folder: Path, moment: dt.datetime) -> Path:
    """Write a result to `<folder>/<name>.json`, with the machine and the package versions.

    Args:
        result: the result.
        folder: created if it does not exist.
        moment: time of the measurement.

    Returns:
        The file.
    """
    content = {
        "benchmark": result.name,
        "date": moment.isoformat(timespec="seconds"),
        "scale": result.scale,
        "machine": machine(),
        "versions": versions(),
        "ratios": [
            {
                "what": ratio.what,
                "ratio": None if ratio.ratio is None else round(ratio.ratio, 4),
                "wanted": None if ratio.limit is None else str(ratio.limit),
                "verdict": ratio.status,
                "listings": ratio.listings,
                "unit": ratio.unit,
                "figures": {name: round(value, 6) for name, value in ratio.figures.items()},
            }
            for ratio in result.ratios
        ],
        "details": result.details,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
