"""Branch weights and noise model are fitted together, on simulated data with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.first_pass import fit_first_pass
from training.fitting import fit_sample
from training.sample import Sample
from training.transitions import category_distances
from udfs.fusion import fuse
from udfs.posterior import posterior

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
    return Sample(labels, nobody, nobody, sellers, np.arange(_ROWS), ids, {"text": flat.astype(np.float32)}), truth


def test_flat_probabilities_are_sharpened_and_the_posterior_is_not_overconfident() -> None:
    """Averaged over two simulations: the precision of a thousand corrections varies by about 0.01."""
    found = []
    for seed in (1, 3):
        sample, truth = world(seed)
        fitted = fit_sample(sample, _DISTANCES, _CATEGORIES)
        share = fitted.noise.share
        assert share is not None
        assert share.value == pytest.approx((sample.labels != truth).mean(), abs=2.0 * share.error)
        # Twice the probabilities' own scale is right; the rule chooses a little less.
        assert fitted.fusion["text"]["text"] == fitted.figures["scale"]
        assert 1.4 < fitted.figures["scale"] < 2.2
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
    # So the posterior is a little too cautious, never too sure.
    assert -0.002 < left < 0.015
    assert -0.08 < overclaim < 0.01


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


def test_a_second_pass_trusts_its_text_as_far_as_the_first_and_other_branches_in_proportion() -> None:
    """The picture's probabilities are those of the text, flattened by half, on every second listing."""
    sample, _ = world(1)
    first = fit_first_pass(sample, _DISTANCES)
    text = sample.branches["text"]
    image = 0.5 * text
    image -= np.log(np.exp(image).sum(axis=1, keepdims=True))
    image[::2] = np.nan
    text = text.copy()
    text[1::4] = np.nan
    fitted = fit_sample(replace(sample, branches={"text": text, "image": image}), _DISTANCES, _CATEGORIES, first)
    assert fitted.fusion["text"]["text"] == pytest.approx(first.scale, rel=0.02)
    assert fitted.fusion["image"]["image"] == pytest.approx(2.0 * first.scale, rel=0.1)
    assert fitted.noise.error_rate == first.noise.error_rate
