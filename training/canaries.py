"""Canaries: labels that are made wrong on purpose, only for the training run.

No ground truth is needed to check whether a model recovers the original labels. A model that memorises its labels
explains them well, but fails on its canaries.
"""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.arrays import Bools, Ints
from training.transitions import RELATED

MIN_CANARIES = 50
"""With fewer canaries the result would be too noisy, so none are planted."""
_SHARE, _MAX_CANARIES = 0.01, 2000
_SIBLING_SHARE = 0.6
"""Share of the canaries that move to a sibling category, if there is one: sellers' errors look like this, and are
harder to find than an error anywhere."""
_HASH_RANGE = 1 << 20
_SIBLING_BIT, _SELECTION_BIT, _CATEGORY_BIT = 0, 20, 40
"""The first of the hash bits that make each random choice."""


def canary_share(rows: int) -> float:
    """The share of `rows` labelled listings that become canaries; 0 if there would be fewer than `MIN_CANARIES`."""
    return min(_SHARE, _MAX_CANARIES / rows) if rows * _SHARE >= MIN_CANARIES else 0.0


def are_canaries(keys: Ints, share: float) -> Bools:
    """Which listings are canaries, shape (n,). It depends on the key alone; a smaller share selects a subset."""
    return np.asarray(_hash_bits(keys, _SELECTION_BIT) < share * _HASH_RANGE)


def is_canary(key: Column, share: float) -> Column:
    """`are_canaries` as a Spark column."""
    return F.pmod(F.shiftright(key, _SELECTION_BIT), F.lit(_HASH_RANGE)) < F.lit(share * _HASH_RANGE)


def wrong_labels(keys: Ints, labels: Ints, distances: Ints) -> Ints:
    """A wrong category for each label, if possible none of its ancestors or descendants; deterministic.

    Args:
        keys: shape (n,), hashes of the listings' ids.
        labels: shape (n,), all >= 0.
        distances: shape (C, C), as `training.transitions.category_distances`; C > 1.
    """
    to_sibling = _hash_bits(keys, _SIBLING_BIT) < _SIBLING_SHARE * _HASH_RANGE
    choice = _hash_bits(keys, _CATEGORY_BIT)
    wrong = np.empty_like(labels)
    for row, label in enumerate(labels):
        others = np.flatnonzero(distances[label] == 1) if to_sibling[row] else np.zeros(0, np.int64)
        others = others if len(others) else np.flatnonzero((distances[label] > 0) & (distances[label] < RELATED))
        others = others if len(others) else np.flatnonzero(distances[label] > 0)
        wrong[row] = others[choice[row] % len(others)]
    return wrong


def _hash_bits(keys: Ints, bit: int) -> Ints:
    """A number below `_HASH_RANGE` for each key, from the hash bits that begin at `bit`."""
    return np.asarray(np.mod(keys >> bit, _HASH_RANGE))
