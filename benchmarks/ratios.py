"""Computes ratios from measured seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def divide(dividend: float, divisor: float) -> float | None:
    """The quotient; None if the divisor is not positive, because noise is larger than the measured effect."""
    return dividend / divisor if divisor > 0 else None


def growth(seconds: Sequence[float]) -> float | None:
    """How time grows when the number of rows doubles twice: (t4 - t2) / (t2 - t1).

    Args:
        seconds: for n, 2n and 4n rows. The result is 2 for linear growth; more is worse.
    """
    one, two, four = seconds
    return divide(four - two, two - one)


@dataclass(frozen=True)
class NightSeconds:
    """Seconds of nights on the same n listings, each from start to end of its process.

    Attributes:
        listings: n.
        first: all listings are scored.
        unchanged: no listing is scored; this is the fixed cost of a night.
        few: a few listings are scored; starting the networks takes most of the added time.
        few_rows: the number of these.
        changed: 1 % of the listings are scored.
        changed_rows: the number of these.
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
        """Seconds per row of the first night above the fixed cost."""
        return (self.first - self.unchanged) / self.listings

    @property
    def changed_row(self) -> float:
        """Seconds per changed row above the fixed cost, including the start of the networks."""
        return (self.changed - self.unchanged) / self.changed_rows

    @property
    def marginal_row(self) -> float | None:
        """Seconds per additional changed row, without the start of the networks; None without additional rows."""
        return divide(self.changed - self.few, self.changed_rows - self.few_rows)

    @property
    def row_ratio(self) -> float | None:
        """A changed row against a row of the first night, both above the fixed cost: the strictest ratio."""
        return divide(self.changed_row, self.first_row)

    @property
    def whole_row_ratio(self) -> float | None:
        """A changed row against the total time of the first night per row."""
        return divide(self.changed_row, self.first / self.listings)

    @property
    def marginal_row_ratio(self) -> float | None:
        """An additional changed row against a row of the first night."""
        return None if self.marginal_row is None else divide(self.marginal_row, self.first_row)
