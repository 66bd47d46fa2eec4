"""The folds whose members must not learn from a listing: its own, and those of its duplicates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from training.folds import fold_bits, left_out_folds, may_learn

BUCKETS = np.arange(2520)


def test_without_duplicates_a_member_learns_from_what_it_does_not_predict() -> None:
    for members in range(2, 11):
        learns = may_learn(fold_bits(BUCKETS)[:, None], np.arange(members), members)
        assert (learns == (BUCKETS[:, None] % members != np.arange(members))).all()


def test_a_member_learns_from_no_duplicate_of_what_it_predicts() -> None:
    duplicates = pa.array([[4, 2519], None, [], [0, 1, 2, 3]], pa.list_(pa.int32()))
    left_out = left_out_folds(np.array([0, 1, 2, 7]), duplicates)
    learns = [np.flatnonzero(may_learn(each, np.arange(4), 4)).tolist() for each in left_out]
    assert learns == [[1, 2], [0, 2, 3], [0, 1, 3], []]
    assert may_learn(left_out[0], np.arange(7), 7).tolist() == [False, True, True, True, False, True, False]
