"""Which members learn from a listing: none that predicts it, or a duplicate that its seller has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from schemas.arrays import Bools, Ints

_MEMBERS = range(2, 11)
"""The numbers of members K that `conf.settings` allows."""


def fold_bits(buckets: Ints) -> Ints:
    """The folds of buckets for every number of members at once.

    Args:
        buckets: shape (n,), 0 to 2519.

    Returns:
        int64, shape (n,): of K members, bit K (K - 1) / 2 - 1 + k is set if bucket mod K is k.
    """
    bits = np.zeros(len(buckets), np.int64)
    for members in _MEMBERS:
        bits |= np.int64(1) << (_first_bit(members) + buckets % members)
    return bits


def left_out_folds(buckets: Ints, duplicates: pa.ListArray) -> Ints:
    """The folds whose members must not learn from listings, as `fold_bits`.

    Args:
        buckets: shape (n,), 0 to 2519.
        duplicates: shape (n,), the buckets of the duplicates that each listing's seller has; null without any.
    """
    bits = fold_bits(buckets)
    lengths = np.asarray(duplicates.value_lengths().fill_null(0), np.int64)
    others = fold_bits(np.asarray(duplicates.flatten(), np.int64))
    np.bitwise_or.at(bits, np.repeat(np.arange(len(bits)), lengths), others)
    return bits


def may_learn(left_out: Ints, member: int | Ints, members: int) -> Bools:
    """Whether a member may learn from listings.

    Args:
        left_out: as `left_out_folds` returns them.
        member: k, 0 to K - 1; numbers of members are broadcast with `left_out`.
        members: K, 2 to 10.
    """
    return np.equal((left_out >> (_first_bit(members) + member)) & 1, 0)


def _first_bit(members: int) -> int:
    return members * (members - 1) // 2 - 1
