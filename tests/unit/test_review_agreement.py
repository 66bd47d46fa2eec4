"""Raw agreement and Cohen's kappa with its bounds, beside published figures and other programs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score

from jobs.reviewing.agreement import FEWEST, Agreement, agreement


def pairs_of(table: list[list[int]]) -> list[tuple[str, str]]:
    return [(str(i), str(j)) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


def of(table: list[list[int]]) -> Agreement:
    found = agreement(pairs_of(table))
    assert found is not None
    return found


def test_the_example_of_fleiss_levin_and_paik() -> None:
    # Statistical Methods for Rates and Proportions (2003), table 18.1: kappa 0.68 with a standard error of 0.087.
    found = of([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert found.pairs == 100
    assert found.share == pytest.approx(0.89)
    assert found.kappa == pytest.approx(0.676, abs=0.0005)
    assert found.kappa is not None
    assert found.lower is not None
    assert (found.kappa - found.lower) / 1.96 == pytest.approx(0.087, abs=0.001)


def test_kappa_is_that_of_scikit_learn_and_its_bounds_are_near_those_of_a_bootstrap() -> None:
    random = np.random.default_rng(1)
    one = random.integers(0, 6, 400)
    other = np.where(random.random(400) < 0.8, one, random.integers(0, 6, 400))
    found = agreement([(str(a), str(b)) for a, b in zip(one, other, strict=True)])
    assert found is not None
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other))
    options = {"paired": True, "vectorized": False, "n_resamples": 500, "random_state": 1, "method": "percentile"}
    drawn = bootstrap((one, other), cohen_kappa_score, **options)
    assert found.lower == pytest.approx(drawn.confidence_interval.low, abs=0.01)
    assert found.upper == pytest.approx(drawn.confidence_interval.high, abs=0.01)


def test_agreement_by_chance_is_none() -> None:
    found = of([[25, 25], [25, 25]])
    assert (found.share, found.kappa) == (0.5, 0.0)
    assert found.lower == pytest.approx(-0.196, abs=0.001)


def test_full_agreement_of_a_few_is_not_taken_for_certain() -> None:
    few, many = of([[15, 0], [0, 15]]), of([[1500, 0], [0, 1500]])
    assert (few.kappa, few.upper) == (1.0, 1.0)
    assert few.lower == pytest.approx(2 * 0.025 ** (1 / 30) - 1)  # 26.5 of 30 agree
    assert many.lower is not None
    assert many.lower > 0.99


def test_there_is_no_kappa_if_one_always_says_the_same_and_no_figure_for_a_few_pairs() -> None:
    assert of([[FEWEST]]) == Agreement(FEWEST, 1.0, None, None, None)
    assert of([[38, 2]]) == Agreement(40, 0.95, None, None, None)
    assert agreement(pairs_of([[FEWEST - 1]])) is None
