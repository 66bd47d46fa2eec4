from __future__ import annotations

import numpy as np
import pytest

from training.transitions import category_distances, expected_errors, transition_matrix

LEVELS = category_distances(["shoes", "shoes", "tops", "tops", None, None], ["worn"] * 4 + ["home"] * 2)


def test_category_distances() -> None:
    assert LEVELS[0].tolist() == [0, 1, 2, 2, 3, 3]
    assert LEVELS[4].tolist() == [3, 3, 3, 3, 0, 2]  # no parent is nobody's sibling


def test_expected_errors_exclude_the_given_label() -> None:
    posteriors = np.array([[0.7, 0.3, 0.0], [0.2, 0.7, 0.1]])
    assert expected_errors(posteriors, np.array([0, 2])) == pytest.approx(
        np.array([[0.0, 0.0, 0.2], [0.3, 0.0, 0.7], [0.0, 0.0, 0.0]])
    )


def test_errors_outweigh_a_weak_prior_but_not_a_strong_one() -> None:
    """Three errors, all of category 0 and all called 5: the prior of its row spreads by kinship, 1 + 3 of 6 afar."""
    mass = np.zeros((6, 6))
    mass[0, 5] = 3.0
    afar = (4 / 6) / 2
    assert transition_matrix(mass, LEVELS, 1.0)[0, 5] == pytest.approx((3 + afar) / 4)
    heavy = transition_matrix(mass, LEVELS, 997.0)
    assert heavy[0, 5] == pytest.approx((3 + 997 * afar) / 1000)
    assert heavy.sum(axis=1) == pytest.approx(np.ones(6))
    assert np.diag(heavy).max() == 0.0
