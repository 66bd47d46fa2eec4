"""Canaries are few and reproducible, and their errors are like those of sellers."""

from __future__ import annotations

import numpy as np
import pytest

from training.canaries import are_canaries, canary_share, wrong_labels
from training.transitions import category_distances

_KEYS = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, 100_000)
_DISTANCES = category_distances(["a", "a", "b", "b", "c"], ["all"] * 5)


def test_small_catalogues_have_no_canaries_and_large_ones_a_bounded_number() -> None:
    assert canary_share(4999) == 0.0
    assert canary_share(5000) == 0.01
    assert canary_share(1_000_000) * 1_000_000 == pytest.approx(2000)


def test_canaries_are_drawn_by_key_and_a_smaller_share_is_a_subset_of_a_larger_one() -> None:
    many, few = are_canaries(_KEYS, 0.02), are_canaries(_KEYS, 0.01)
    assert many.mean() == pytest.approx(0.02, abs=0.002)
    assert few.mean() == pytest.approx(0.01, abs=0.002)
    assert many[few].all()
    assert (are_canaries(_KEYS[::-1], 0.01)[::-1] == few).all()
    assert not are_canaries(_KEYS, 0.0).any()


def test_canary_labels_are_mostly_siblings_and_reproducible() -> None:
    labels = np.arange(len(_KEYS)) % 5
    moved = wrong_labels(_KEYS, labels, _DISTANCES)
    assert (moved != labels).all()
    assert (wrong_labels(_KEYS, labels, _DISTANCES) == moved).all()
    sibling = _DISTANCES[labels, moved] == 1
    # 60 %, and one of four of the others is the sibling; the last category has none.
    assert sibling[labels < 4].mean() == pytest.approx(0.6 + 0.4 / 4, abs=0.01)
    assert np.bincount(moved[labels == 4]) / (labels == 4).sum() == pytest.approx([0.25] * 4, abs=0.02)
