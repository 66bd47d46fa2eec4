"""The text members' optimiser finds the minimum, alone and shared by ranks, with few and with many categories."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from schemas.arrays import Floats32, Ints
from training.lbfgs import minimize
from training.linear import LinearMember, LinearTrainer
from training.ranks import Ranks


@dataclass
class ThreadRanks:
    """Ranks that are threads of this process: `sum` waits for all of them."""

    size: int
    threads: int = 2
    parts: dict[int, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.size, timeout=20)
        self.local = threading.local()

    def sum(self, values: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
        self.parts[self.local.rank] = np.asarray(values)
        self.barrier.wait()
        total = np.sum([self.parts[rank] for rank in range(self.size)], axis=0)
        self.barrier.wait()
        return np.asarray(total)


def fit(texts: csr_matrix, labels: Ints, shards: list[Ints], bottleneck: int = 0) -> list[LinearMember]:
    """Fit on the shards of several ranks; returns each rank's result."""
    categories = int(labels.max()) + 1
    identity = np.eye(categories, dtype=np.float32)
    squares = np.asarray(texts.multiply(texts).mean(axis=0)).ravel()
    ranks = ThreadRanks(len(shards))

    def run(rank: int) -> LinearMember:
        ranks.local.rank = rank
        trainer = LinearTrainer(texts, squares, categories, cast("Ranks", ranks))
        return trainer.fit(lambda rows: identity[labels[rows]], shards[rank], c=2.0, bottleneck=bottleneck, seed=1)

    with ThreadPoolExecutor(len(shards)) as pool:
        return list(pool.map(run, range(len(shards))))


def make_texts(categories: int, rows: int) -> tuple[csr_matrix, Ints]:
    """Texts of two words of their category and four of any."""
    random = np.random.default_rng(3)
    labels = np.concatenate([np.arange(categories), random.integers(0, categories, rows - categories)])
    words = np.hstack([labels[:, None] * 3 + random.integers(0, 3, (rows, 2)), random.integers(0, 300, (rows, 4))])
    places = (np.repeat(np.arange(rows), 6), words.ravel())
    texts = csr_matrix((np.full(6 * rows, 6**-0.5, np.float32), places), (rows, max(300, 3 * categories)))
    return texts, labels


def test_the_minimum_of_a_badly_scaled_function_is_found() -> None:
    scales, goal = np.logspace(-3, 3, 40).astype(np.float32), np.linspace(-1, 1, 40, dtype=np.float32)
    evaluated = []

    def objective(weights: Floats32, number: float) -> tuple[float, Floats32, float]:
        evaluated.append(weights)
        errors = weights - goal
        value = float(np.sum(scales * (errors**2 + errors**4), dtype=np.float64))
        return value, scales * (2 * errors + 4 * errors**3), number

    start = np.zeros(40, np.float32)
    # Ten times the inverse curvature, so that the first steps are too long.
    found = minimize(objective, start, 10 / scales, tolerance=1e-7, max_evaluations=60)
    assert found == pytest.approx(goal, abs=0.01)
    count = len(evaluated)
    assert count < 40
    short = minimize(objective, start, 10 / scales, tolerance=1e-7, max_evaluations=3)
    assert len(evaluated) == count + 3
    assert objective(short, 0.0)[0] <= objective(start, 0.0)[0]


def test_ranks_find_together_what_one_finds_alone_and_what_scikit_learn_finds() -> None:
    texts, labels = make_texts(categories=12, rows=600)
    rows = np.arange(600)
    (alone,) = fit(texts, labels, [rows])
    both = fit(texts, labels, [rows[:450], rows[450:]])
    none = fit(texts, labels, [rows, rows[:0]])
    probabilities = np.exp(alone.log_probabilities(texts))
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    for shared in (*both, *none):
        assert np.exp(shared.log_probabilities(texts)) == pytest.approx(probabilities, abs=1e-3)
    assert (both[0].kernel == both[1].kernel).all()
    expected = LogisticRegression(C=2.0).fit(texts, labels).predict_proba(texts)
    assert np.abs(probabilities - expected).mean() < 0.01


def test_a_factorised_member_learns_many_categories() -> None:
    texts, labels = make_texts(categories=200, rows=2000)
    new = np.arange(0, 2000, 4)
    (member,) = fit(texts, labels, [np.setdiff1d(np.arange(2000), new)], bottleneck=64)
    assert member.mixer is not None
    assert (member.kernel.shape, member.mixer.shape) == ((600, 64), (64, 200))
    assert (member.log_probabilities(texts[new]).argmax(axis=1) == labels[new]).mean() > 0.6
