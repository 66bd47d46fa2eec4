"""Ranking probabilities, and computing probabilities of all categories from a ranking."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from training.evaluation import log_probabilities
from udfs.rankings import RANKING, densify, first, rank

NAN = float("nan")
ROWS = pa.array([[{"category": "b", "probability": 0.6}, {"category": "gone", "probability": 0.1}], None], RANKING)


def test_ranking_is_stable_and_null_where_there_is_no_prediction() -> None:
    logs = np.log(np.array([[0.3, 0.4, 0.3], [NAN] * 3, [1 / 3] * 3], np.float32))
    found = rank(logs, ("hats", "shoes", "tops"), 2)
    names = [row and [entry["category"] for entry in row] for row in found.to_pylist()]
    assert names == [["shoes", "hats"], None, ["hats", "shoes"]]
    assert first(found, "category").to_pylist() == ["shoes", None, "hats"]
    assert first(found, "probability")[0].as_py() == pytest.approx(0.4)


def test_unranked_probability_is_spread_by_the_base_distribution() -> None:
    q = densify(ROWS, {"a": 0, "b": 1, "c": 2, "new": 3}, np.array([0.1, 0.5, 0.3, 0.0]))
    assert q[0] == pytest.approx([0.4 * 0.25, 0.6, 0.4 * 0.75, 0.0])
    assert q[1] == pytest.approx([0.1 / 0.9, 0.5 / 0.9, 0.3 / 0.9, 0.0])
    assert densify(ROWS[:0], {"a": 0}, np.array([1.0])).shape == (0, 1)


def test_a_category_that_a_model_does_not_know_has_a_small_probability() -> None:
    q = np.exp(log_probabilities(ROWS, ["a", "b", "c", "new"], np.array([0.1, 0.5, 0.3, 0.0])))
    assert q[:, 3] == pytest.approx([1e-6, 1e-6], rel=1e-4)
    assert q.sum(axis=1) == pytest.approx([1.0, 1.0])
