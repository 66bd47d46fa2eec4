"""A share that is estimated, with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SIGMAS = 2.0
"""The bounds of an interval are this many standard errors from the estimate."""


@dataclass(frozen=True)
class ShareEstimate:
    """An estimated share.

    Attributes:
        value: the share, 0 to 1; a bound may be below 0.
        error: its standard error.
        source: where it comes from, in words; empty until several estimates are combined into one.
        at_least: whether only this is known, that the share is not smaller than `value`; `error` is then 0.
    """

    value: float
    error: float
    source: str = ""
    at_least: bool = False

    @property
    def lower(self) -> float:
        """The lower confidence bound; may be below 0."""
        return self.value - _SIGMAS * self.error

    @property
    def interval(self) -> tuple[float, float | None]:
        """Two standard errors on both sides, within 0 and 1; the upper end is None if it is not known."""
        return max(self.lower, 0.0), None if self.at_least else min(self.value + _SIGMAS * self.error, 1.0)


def binomial_error(share: float, count: int) -> float:
    """The standard error of a share that is measured on `count` independent listings, count > 0."""
    return math.sqrt(share * (1.0 - share) / count)


def audit_half_width(share: float, listings: int) -> float:
    """Half the width of the interval that an audit of so many listings gives, two standard errors, if `share` holds."""
    return _SIGMAS * binomial_error(share, listings)
