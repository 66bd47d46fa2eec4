"""The arithmetic of the benchmarks: seconds in, ratios out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def divide(upper: float, lower: float) -> float | None:
    """A quotient; None where what is below is not above zero, so that noise hides what was to be measured."""
    return upper / lower if lower > 0 else None


def growth(seconds: Sequence[float]) -> float | None:
    """How the time grows when the rows double twice: (t4 - t2) / (t2 - t1).

    Args:
        seconds: at n, 2n and 4n rows. 2 is linear, more is worse.
    """
    one, two, four = seconds
    return divide(four - two, two - one)


@dataclass(frozen=True)
class NightSeconds:
    """Nights over the same n listings, in seconds, each from the start of its process to its end.

    Attributes:
        listings: n.
        first: all of them are scored.
        unchanged: none is; what this takes is a night's fixed cost.
        few: a few are, whose own cost is small beside that of starting the networks.
        few_rows: so many.
        changed: 1 % are.
        changed_rows: so many.
    """

    listings: int
    first: float
    unchanged: float
    few: float
    few_rows: int
    changed: float
    changed_rows: int

    @property
    def changed_share(self) -> float | None:
        """The night with 1 % changed against the first night."""
        return divide(self.changed, self.first)

    @property
    def unchanged_share(self) -> float | None:
        """The night with nothing changed against the first night."""
        return divide(self.unchanged, self.first)

    @property
    def first_row(self) -> float:
        """Seconds a row of the first night above the fixed cost."""
        return (self.first - self.unchanged) / self.listings

    @property
    def changed_row(self) -> float:
        """Seconds a changed row above the fixed cost; starting the networks is part of them."""
        return (self.changed - self.unchanged) / self.changed_rows

    @property
    def further_row(self) -> float:
        """Seconds a further changed row, once the networks have been started for a few."""
        return (self.changed - self.few) / (self.changed_rows - self.few_rows)

    @property
    def row_ratio(self) -> float | None:
        """A changed row against a row of the first night, both above the fixed cost: the strictest reading."""
        return divide(self.changed_row, self.first_row)

    @property
    def whole_row_ratio(self) -> float | None:
        """A changed row against the first night's whole time a row."""
        return divide(self.changed_row, self.first / self.listings)

    @property
    def further_row_ratio(self) -> float | None:
        """A further changed row against a row of the first night."""
        return divide(self.further_row, self.first_row)
