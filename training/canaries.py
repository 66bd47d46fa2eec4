"""Canaries: labels that we make wrong ourselves, for the training run alone.

Whether a model finds and undoes these errors is known without any truth; whether it finds sellers' errors is not. A
model that imitates its labels explains them well, and is shown up by its canaries.
"""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.arrays import Bools, Ints

MIN_CANARIES = 50
"""Fewer tell nothing, so that none are planted."""
_SHARE, _MOST = 0.01, 2000
_NEAR = 0.6
"""Share that is moved to a sibling where there is one: as sellers err, and harder to find than an error anywhere."""
_RANGE = 1 << 20
_MOVED, _CHOSEN, _WHERE = 0, 20, 40
"""The bits of a key that decide each thing."""


def canary_share(rows: int) -> float:
    """What part of so many labelled listings is made wrong; 0 where that would be too few to tell anything."""
    return min(_SHARE, _MOST / rows) if rows * _SHARE >= MIN_CANARIES else 0.0


def are_canaries(keys: Ints, share: float) -> Bools:
    """Which listings are canaries: by their key alone, and of a smaller share the same ones, but fewer. Shape (n,)."""
    return np.asarray(_draws(keys, _CHOSEN) < share * _RANGE)


def is_canary(key: Column, share: float) -> Column:
    """`are_canaries`, for Spark."""
    return F.pmod(F.shiftright(key, _CHOSEN), F.lit(_RANGE)) < F.lit(share * _RANGE)


def wrong_labels(keys: Ints, labels: Ints, distances: Ints) -> Ints:
    """Another category for each label, the same every time.

    Args:
        keys: shape (n,), hashes of the listings' ids.
        labels: shape (n,), all >= 0.
        distances: shape (C, C), as `training.transitions.category_distances`; C > 1.
    """
    near, which = _draws(keys, _MOVED) < _NEAR * _RANGE, _draws(keys, _WHERE)
    moved = np.empty_like(labels)
    for row, label in enumerate(labels):
        others = np.flatnonzero(distances[label] == 1) if near[row] else np.zeros(0, np.int64)
        others = others if len(others) else np.flatnonzero(distances[label] > 0)
        moved[row] = others[which[row] % len(others)]
    return moved


def _draws(keys: Ints, bit: int) -> Ints:
    """A number below `_RANGE` for each key, from the bits of the hash that begin at `bit`."""
    return np.asarray(np.mod(keys >> bit, _RANGE))
