"""How far two people agree beyond chance. Pure functions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv

FEWEST = 30
"""Pairs of answers from which figures are told; the bounds hold for large numbers only."""
_WITHIN = 0.95
_DEVIATES = 1.959964
"""Of the normal distribution: 95 % are within."""


@dataclass(frozen=True)
class Agreement:
    """How far two people agree.

    Attributes:
        pairs: how many questions both answered.
        share: in how many of these both said the same, 0 to 1.
        kappa: Cohen's kappa; None if one of them always said the same: then it is 0 or nothing, however far they agree.
        lower, upper: its 95 % bounds.
    """

    pairs: int
    share: float
    kappa: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Proportion:
    """A share of a number, 0 to 1, and its 95 % bounds (Clopper and Pearson 1934, Biometrika 26, 404-413)."""

    count: int
    share: float
    lower: float
    upper: float


def proportion(hits: int, count: int) -> Proportion | None:
    """A share with its bounds; None for a count of fewer than `FEWEST`."""
    if count < FEWEST:
        return None
    tail = (1 - _WITHIN) / 2
    lower = float(betaincinv(hits, count - hits + 1, tail)) if hits else 0.0
    upper = float(betaincinv(hits + 1, count - hits, 1 - tail)) if hits < count else 1.0
    return Proportion(count, hits / count, lower, upper)


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement | None:
    """Raw agreement, and Cohen's kappa (1960, Educational and Psychological Measurement 20, 37-46) with bounds.

    The standard error is that of Fleiss, Cohen and Everitt (1969, Psychological Bulletin 72, 323-327). It is 0 if all
    pairs agree; then the lower bound is that of the raw agreement by Clopper and Pearson, at the same agreement by
    chance.

    Args:
        pairs: what one and the other said to the same question.

    Returns:
        None for fewer than `FEWEST` pairs.
    """
    count = len(pairs)
    if count < FEWEST:
        return None
    cells = {cell: number / count for cell, number in Counter(pairs).items()}
    ones, others = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    row, column = ({name: given[name] / count for name in {*ones, *others}} for given in (ones, others))
    observed = sum(share for (one, other), share in cells.items() if one == other)
    chance = sum(row[name] * column[name] for name in row)
    if len(ones) == 1 or len(others) == 1:
        return Agreement(count, observed, None, None, None)
    kappa = (observed - chance) / (1 - chance)
    if observed > 1 - 1e-12:
        least = ((1 - _WITHIN) / 2) ** (1 / count)
        return Agreement(count, observed, 1.0, max((least - chance) / (1 - chance), -1.0), 1.0)
    same = different = 0.0
    for (one, other), share in cells.items():
        if one == other:
            same += share * (1 - (row[one] + column[one]) * (1 - kappa)) ** 2
        else:
            different += share * (column[one] + row[other]) ** 2 * (1 - kappa) ** 2
    variance = (same + different - (kappa - chance * (1 - kappa)) ** 2) / (count * (1 - chance) ** 2)
    width = _DEVIATES * math.sqrt(max(variance, 0.0))
    return Agreement(count, observed, kappa, max(kappa - width, -1.0), min(kappa + width, 1.0))
