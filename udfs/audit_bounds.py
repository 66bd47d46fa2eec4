"""Exact confidence bounds for the number of errors in a catalogue of which a random sample was audited.

The bounds invert the two tests of the hypergeometric distribution, the Clopper-Pearson bounds of a sample without
replacement (Clopper and Pearson, Biometrika 1934; Buonaccorsi, The American Statistician 1987). They cover whatever the
true number is, also where errors are rare and samples small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from schemas.arrays import Floats
from schemas.metrics import MIN_AUDITED


class Stratum(NamedTuple):
    """The listings that had the same chance of being drawn, and their audit.

    Attributes:
        errors: errors among the audited listings, 0 to `audited`.
        audited: number of audited listings, a random sample of the stratum; at most `listings`.
        listings: number of listings of the stratum.
    """

    errors: int
    audited: int
    listings: int


def error_bounds(errors: int, audited: int, listings: int, level: float = 0.95) -> tuple[int, int]:
    """Bound the number of errors among listings of which a simple random sample was audited.

    Args:
        errors: errors in the sample, 0 to `audited`.
        audited: size of the sample; if it is 0, nothing is known.
        listings: number of listings from which it was drawn, at least `audited`.
        level: confidence level of the interval, 0 to 1; both bounds miss with half of the rest at most.

    Returns:
        The least and the largest number of errors, from `errors` to `listings - audited + errors`.
    """
    right = audited - errors
    # The bounds of the right listings are those of the errors, mirrored.
    return listings - _largest(right, audited, listings, level), _largest(errors, audited, listings, level)


def strata_bounds(strata: Sequence[Stratum], level: float = 0.95) -> tuple[int, int]:
    """Bound the number of errors in all strata together.

    Each of H strata is bounded at the level 1 - (1 - level) / H, and the bounds are added (Bonferroni). The sum covers
    at the level or above, whatever the chances of being drawn and the rates of the strata are. With many strata it is
    wider than necessary.

    Args:
        strata: at least one.
        level: confidence level of the interval, 0 to 1.
    """
    each = 1.0 - (1.0 - level) / len(strata)
    bounds = [error_bounds(*stratum, level=each) for stratum in strata]
    return sum(lower for lower, _ in bounds), sum(upper for _, upper in bounds)


def estimated_errors(strata: Sequence[Stratum]) -> float:
    """Estimate the number of errors in all strata, each extrapolated from its sample, which is not empty."""
    return sum(stratum.errors / stratum.audited * stratum.listings for stratum in strata)


def estimate_errors(errors: int | None, audited: int, listings: int) -> tuple[float, float, float] | None:
    """Estimate the number of errors in a segment, with 95 % bounds.

    Args:
        errors: errors in the sample; None: there is nothing to estimate.
        audited: size of the sample.
        listings: number of listings from which it was drawn.

    Returns:
        The estimate, the lower and the upper bound; None if fewer than `MIN_AUDITED` listings were audited.
    """
    if errors is None or audited < MIN_AUDITED:
        return None
    lower, upper = error_bounds(errors, audited, listings)
    return estimated_errors([Stratum(errors, audited, listings)]), float(lower), float(upper)


def _largest(errors: int, audited: int, listings: int, level: float) -> int:
    """The largest total at which no more than `errors` in the sample are not too unlikely.

    The probability falls as the total rises, so the total is found by bisection.
    """
    fits, too_large = errors, listings - audited + errors + 1
    while too_large - fits > 1:
        total = (fits + too_large) // 2
        if chance_of_at_most(errors, audited, total, listings) > (1.0 - level) / 2.0:
            fits = total
        else:
            too_large = total
    return fits


def chance_of_at_most(errors: int, audited: int, total: int, listings: int) -> float:
    """The probability of at most `errors` in the sample if `total` of the listings are wrong."""
    counts = np.arange(max(0, audited - (listings - total)), errors + 1, dtype=np.float64)
    log = _log_choose(total, counts) + _log_choose(listings - total, audited - counts)
    return float(np.exp(log - _log_choose(listings, np.float64(audited))).sum())


def _log_choose(items: int, chosen: Floats | np.float64) -> Floats:
    """The logarithm of the number of ways to choose so many of the items."""
    log: Floats = gammaln(items + 1.0) - gammaln(chosen + 1.0) - gammaln(items - chosen + 1.0)
    return log
