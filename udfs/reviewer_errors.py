"""How often each reviewer is wrong, from questions that several of them answered, without knowing the right answers.

The model is that of Dawid and Skene (1979, Applied Statistics 28, 20-28) with one coin a reviewer: an answer is wrong
with the reviewer's error rate, whatever the question, and a wrong one is any other category with the same chance.
(With a thousand categories, a full confusion matrix of a reviewer would have a million entries.) All categories are
alike before anybody answers, and error rates have a weak prior (Raykar et al. 2010, JMLR 11, 1297-1322).

Dawid and Skene maximise the likelihood. Bounds need the whole posterior, since nobody knows which of two answers is the
wrong one: it is drawn by Gibbs sampling (Kim and Ghahramani 2012, AISTATS, 619-627), always with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = (1.0, 19.0)
"""Of an error rate, a Beta distribution: as if one of twenty answers had been found to be wrong."""
_CHAINS, _FIRST, _KEPT = 64, 150, 100
"""Chains that are drawn beside each other, and sweeps of each that are left out and kept."""
_QUANTILES = (0.025, 0.975)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorRate:
    """A reviewer's error rate, 0 to 1: posterior mean and 95 % bounds; and from how many answers."""

    answers: int
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class ReviewerErrors:
    """What is known of reviewers and items.

    Attributes:
        reviewers: reviewer -> error rate.
        items: item -> answer -> probability that it is right. What is missing to 1 is that of all other categories.
    """

    reviewers: Mapping[str, ErrorRate]
    items: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class _Shape:
    """Items whose answers agree in the same way, such as "the first two the same, the third another".

    Attributes:
        labels: for each answer, which of the different answers it is.
        reviewers: who gave the answers: shape (patterns, answers).
        counts: items by pattern: shape (patterns,).
    """

    labels: tuple[int, ...]
    reviewers: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def different(self) -> int:
        """How many different answers there are."""
        return max(self.labels) + 1


def estimate_errors(rows: Iterable[tuple[str, str, str]], categories: int) -> ReviewerErrors:
    """Estimate reviewers' error rates, and which answers are right.

    Args:
        rows: item, reviewer and answer. If somebody answered an item several times, the last one counts. Items that
            only one reviewer answered say nothing and are left out.
        categories: how many answers are possible; at least as many as there are different ones in `rows`.
    """
    answers: dict[str, dict[str, str]] = {}
    for item, reviewer, answer in rows:
        answers.setdefault(item, {})[reviewer] = answer
    answers = {item: given for item, given in answers.items() if len(given) > 1}
    names = sorted({reviewer for given in answers.values() for reviewer in given})
    if not names:
        return ReviewerErrors({}, {})
    distinct = {answer for given in answers.values() for answer in given.values()}
    patterns: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    places = {name: place for place, name in enumerate(names)}
    for item, given in answers.items():
        order = sorted(given)
        different = _different(given)
        labels = tuple(different.index(given[name]) for name in order)
        patterns.setdefault((labels, tuple(places[name] for name in order)), []).append(item)
    shapes = [_shape(labels, patterns) for labels in sorted({labels for labels, _ in patterns})]
    draws, right = _draw(shapes, len(names), max(categories, len(distinct), 2))
    totals = np.zeros(len(names), np.int64)
    items = {}
    for shape, probabilities in zip(shapes, right, strict=True):
        for pattern, chances in zip(shape.reviewers, probabilities, strict=True):
            for item in patterns[shape.labels, tuple(int(place) for place in pattern)]:
                totals[pattern] += 1
                items[item] = {name: float(chances[n]) for n, name in enumerate(_different(answers[item]))}
    lower, upper = np.quantile(draws, _QUANTILES, axis=0)
    rates = {
        name: ErrorRate(int(totals[place]), float(draws[:, place].mean()), float(lower[place]), float(upper[place]))
        for name, place in places.items()
    }
    return ReviewerErrors(rates, items)


def _different(given: Mapping[str, str]) -> list[str]:
    """The different answers to an item, in the order of its reviewers' names."""
    return list(dict.fromkeys(given[name] for name in sorted(given)))


def _shape(labels: tuple[int, ...], patterns: Mapping[tuple[tuple[int, ...], tuple[int, ...]], list[str]]) -> _Shape:
    of_it = sorted(reviewers for each, reviewers in patterns if each == labels)
    counts = [len(patterns[labels, reviewers]) for reviewers in of_it]
    return _Shape(labels, np.array(of_it, np.int64), np.array(counts, np.int64))


def _draw(shapes: list[_Shape], reviewers: int, categories: int) -> tuple[Floats, list[Floats]]:
    """Draws of the error rates, shape (draws, reviewers), and by shape the probability that each answer is right."""
    random = np.random.default_rng(0)
    rates = random.beta(*PRIOR, (_CHAINS, reviewers))
    answered = np.zeros(reviewers)
    for shape in shapes:
        for place in range(len(shape.labels)):
            np.add.at(answered, shape.reviewers[:, place], shape.counts)
    kept, sums = [], [np.zeros((len(shape.counts), shape.different + 1)) for shape in shapes]
    for sweep in range(_FIRST + _KEPT):
        wrong = np.zeros((reviewers, _CHAINS))
        for shape, right in zip(shapes, sums, strict=True):
            chances = _chances(shape, rates, categories)
            truth = random.multinomial(shape.counts, chances)
            for place, label in enumerate(shape.labels):
                np.add.at(wrong, shape.reviewers[:, place], (shape.counts - truth[..., label]).T)
            if sweep >= _FIRST:
                np.add(right, chances.mean(axis=0) / _KEPT, out=right)
        rates = random.beta(PRIOR[0] + wrong.T, PRIOR[1] + answered - wrong.T)
        if sweep >= _FIRST:
            kept.append(rates)
    return np.concatenate(kept), sums


def _chances(shape: _Shape, rates: Floats, categories: int) -> Floats:
    """The chance of each different answer to be right, and of all others: shape (chains, patterns, answers + 1)."""
    of = rates[:, shape.reviewers]
    missed = of / (categories - 1)
    weights = [
        np.prod(np.where(np.array(shape.labels) == label, 1.0 - of, missed), axis=-1)
        for label in range(shape.different)
    ]
    weights.append((categories - shape.different) * np.prod(missed, axis=-1))
    stacked = np.stack(weights, axis=-1)
    return np.asarray(stacked / stacked.sum(axis=-1, keepdims=True))
