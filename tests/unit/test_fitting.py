"""Branch weights and noise model are fitted together, on simulated data with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.anchors import anchor_error_rate, estimate_temperature
from training.first_pass import fit_first_pass, max_likelihood_fusion
from training.fitting import fit_sample
from training.sample import Sample
from training.transitions import category_distances
from udfs.fusion import fuse
from udfs.posterior import label_likelihood, posterior

_CATEGORIES = tuple(f"c{i}" for i in range(8))
_DISTANCES = category_distances(["a"] * 4 + ["b"] * 4, ["all"] * 8)
_ROWS = 5000


def world(seed: int) -> tuple[Sample, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Log-probabilities of the text flattened by half, no pictures, sellers from careful to careless; and the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 8, _ROWS)
    scores = 2.5 * (2.5 * np.eye(8)[truth] + random.normal(size=(_ROWS, 8)))
    flat = 0.5 * scores
    flat -= np.log(np.exp(flat).sum(axis=1, keepdims=True))
    sellers = random.integers(-1, 40, _ROWS)
    wrong = random.random(_ROWS) < np.append(random.beta(1, 3, 40), 0.25)[sellers]
    labels = np.where(wrong, (truth + random.integers(1, 8, _ROWS)) % 8, truth)
    nobody = np.full(_ROWS, -1)
    ids = tuple(f"s{i:02}" for i in range(40))
    return Sample(labels, nobody, sellers, ids, {"text": flat.astype(np.float32)}), truth


def test_flat_probabilities_are_sharpened_and_the_posterior_is_not_overconfident() -> None:
    """Averaged over four simulations: the precision of a thousand corrections varies by about 0.01."""
    found = []
    for seed in range(1, 5):
        sample, truth = world(seed)
        fitted = fit_sample(sample, _DISTANCES, _CATEGORIES)
        caution = fitted.figures["caution"]
        assert 1.0 < caution < 1.4
        assert fitted.fusion["text"]["text"] * caution == pytest.approx(2.0, abs=0.25)
        log_q = fuse(sample.branches, fitted.fusion).astype(np.float64)
        rates = np.array([*fitted.noise.sellers.values(), fitted.noise.error_rate])[sample.sellers]
        belief, _ = posterior(log_q, sample.labels, rates, fitted.noise.transitions)
        best, claimed = belief.argmax(axis=1), belief.max(axis=1)
        wrong = (best != truth).mean()
        assert wrong < 0.6 * min((sample.labels != truth).mean(), (log_q.argmax(axis=1) != truth).mean())
        corrected = (best != sample.labels) & (claimed > 0.5)
        overclaim = claimed[corrected].mean() - (best == truth)[corrected].mean()
        found.append((fitted.figures["estimated_error_left"] - wrong, overclaim))
    left, overclaim = np.mean(found, axis=0)
    assert -0.004 < left < 0.02
    assert -0.1 < overclaim < 0.005


def test_peoples_decisions_are_certain() -> None:
    """All sellers use 1 for 0: labels alone cannot show this, a part of the truth does."""
    sample, truth = world(2)
    labels = np.where((truth == 0) & (np.arange(_ROWS) % 10 > 0), 1, sample.labels)
    imitates = sample.branches["text"].copy()
    imitates[truth == 0] = np.roll(imitates[truth == 0], 1, axis=1)
    blind = replace(sample, labels=labels, branches={"text": imitates})
    told = replace(blind, truths=np.where(np.arange(_ROWS) % 4 == 0, truth, -1))
    before, after = (fit_sample(each, _DISTANCES, _CATEGORIES).noise.transitions[0, 1] for each in (blind, told))
    assert after > before + 0.2
    assert after > 0.7


def test_the_temperature_rises_with_mistakes_of_the_classifier_and_with_few_listings() -> None:
    log_q = np.log(np.array([[0.9, 0.1]] * 100))
    labels = np.arange(100) % 2
    sure, unsure = np.tile([1.0, 0.0], (100, 1)), np.tile([0.4, 0.6], (100, 1))
    assert estimate_temperature(log_q, labels, sure) == pytest.approx(1 + 2 * np.sqrt(2 / 100))
    assert estimate_temperature(log_q, labels, unsure) == pytest.approx(1 + 0.5 * 0.6 + 2 * np.sqrt(2 / 100))
    assert estimate_temperature(log_q[:4], labels[:4], sure[:4]) == pytest.approx(1 + 2 * np.sqrt(2 / 4))
    assert estimate_temperature(log_q[:0], labels[:0], sure[:0]) == 1.0


def test_the_error_rate_is_estimated_from_the_most_confident_listings() -> None:
    """The classifier is certain of ten listings, three of which have another label, and uncertain of the other 24."""
    log_q = np.log(np.array([[0.96, 0.04]] * 10 + [[0.51, 0.49]] * 24))
    labels = np.array([1, 1, 1] + [0] * 7 + [1] * 24)
    nobody = np.full(34, -1)
    assert anchor_error_rate(log_q, labels, nobody) == pytest.approx(3.5 / 11)
    decided = np.where(np.arange(34) == 0, 1, -1)
    assert anchor_error_rate(log_q, labels, decided) == pytest.approx(2.5 / 11)
    unsure = np.log(np.array([[0.6, 0.4]] * 10 + [[0.51, 0.49]] * 90))
    assert anchor_error_rate(unsure, np.array([1] * 4 + [0] * 96), np.full(100, -1)) == pytest.approx(4.5 / 11)


def test_a_second_pass_may_claim_no_more_than_it_can_gain() -> None:
    """Predictions with label leakage look better than they are; the weights of the first pass are kept."""
    sample, _ = world(1)
    first = fit_first_pass(sample, _DISTANCES)
    leaked = sample.branches["text"] + np.float32(2.5) * np.eye(8, dtype=np.float32)[sample.labels]
    leaked -= np.log(np.exp(leaked).sum(axis=1, keepdims=True))
    honest = fit_sample(sample, _DISTANCES, _CATEGORIES, first)
    assert honest.figures["estimated_error_left"] == pytest.approx(first.estimated_error, rel=0.1)
    held_back = fit_sample(replace(sample, branches={"text": leaked}), _DISTANCES, _CATEGORIES, first)
    assert held_back.figures["estimated_error_left"] == pytest.approx(0.8 * first.estimated_error, rel=0.05)
    likelihood = label_likelihood(sample.labels, first.noise.rates(sample.sellers), first.noise.transitions)
    unheld = max_likelihood_fusion(replace(sample, branches={"text": leaked}), honest.fusion, likelihood)
    assert held_back.fusion["text"]["text"] < 0.95 * unheld["text"]["text"] / first.temperature
