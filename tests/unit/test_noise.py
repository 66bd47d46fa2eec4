from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.calibration import fit_weights
from training.noise import fit_mismatch, fit_noise, leave_one_out_likelihood
from training.transitions import CONCENTRATIONS, category_distances
from udfs.posterior import label_likelihood

PARENTS = ["shoes", "shoes", "tops", "tops", None, None]
DEPARTMENTS = ["worn", "worn", "worn", "worn", "home", "home"]
LEVELS = category_distances(PARENTS, DEPARTMENTS)


def world(rows: int = 6000, seed: int = 3, sharpness: float = 3.0) -> dict[str, Any]:
    """A classifier that is mostly right, and three sellers with error rates of 2, 20 and 60 %.

    Category 0 is mostly called 1; the others' errors go anywhere.
    """
    random = np.random.default_rng(seed)
    truth = random.integers(0, 6, rows)
    scores = random.normal(size=(rows, 6)) + sharpness * np.eye(6)[truth]
    log_q = scores * sharpness - np.log(np.exp(scores * sharpness).sum(axis=1, keepdims=True))
    sellers = random.integers(0, 3, rows)
    wrong = random.random(rows) < np.array([0.02, 0.2, 0.6])[sellers]
    other = (truth + random.integers(1, 6, rows)) % 6
    other = np.where((truth == 0) & (random.random(rows) < 0.9), 1, other)
    return {"truth": truth, "log_q": log_q, "sellers": sellers, "labels": np.where(wrong, other, truth), "wrong": wrong}


def test_the_weight_of_the_prior_adapts_to_the_kind_of_errors() -> None:
    """If each category is confused with one other, few errors show which; if errors are uniform, none do."""
    random = np.random.default_rng(4)
    truth = random.integers(0, 40, 1200)
    log_q = np.log(np.where(np.eye(40)[truth] > 0, 0.961, 0.001))
    wrong = random.random(1200) < 0.3
    nobody, distances = np.full(1200, -1), category_distances([None] * 40, [None] * 40)
    always = np.where(wrong, (truth + 1) % 40, truth)
    anywhere = np.where(wrong, (truth + random.integers(1, 40, 1200)) % 40, truth)
    systematic = fit_noise(log_q, always, nobody, distances)
    assert systematic.concentration == CONCENTRATIONS[0]
    assert systematic.transitions[0, 1] > 0.5
    even = fit_noise(log_q, anywhere, nobody, distances)
    assert even.concentration == CONCENTRATIONS[-1]
    assert even.transitions[even.transitions > 0] == pytest.approx(np.full(40 * 39, 1 / 39), abs=0.02)


def test_sellers_rates_and_transitions_are_estimated() -> None:
    w = world()
    fit = fit_noise(w["log_q"], w["labels"], w["sellers"], LEVELS)
    assert fit.seller_rates == pytest.approx([0.02, 0.2, 0.6], abs=0.03)
    assert fit.error_rate == pytest.approx(w["wrong"].mean(), abs=0.02)
    assert fit.transitions[0, 1] == pytest.approx(0.9 + 0.1 / 5, abs=0.06)
    assert fit.transitions.sum(axis=1) == pytest.approx(np.ones(6))
    assert np.diag(fit.transitions).max() == 0.0


def test_the_posterior_beats_the_classifier_and_the_sellers() -> None:
    w = world(sharpness=2.0)
    fit = fit_noise(w["log_q"], w["labels"], w["sellers"], LEVELS)
    by_posterior = (fit.posterior.argmax(axis=1) != w["truth"]).mean()
    assert by_posterior < 0.6 * min(
        (w["labels"] != w["truth"]).mean(), (w["log_q"].argmax(axis=1) != w["truth"]).mean()
    )


def test_the_leave_one_out_likelihood_excludes_the_row_itself() -> None:
    """Against M and the sellers' rates reckoned without the row; without kinship the prior is even over the cells."""
    w = world(rows=60)
    labels, sellers = w["labels"], np.where(np.arange(60) % 5 == 0, -1, w["sellers"])
    strangers = category_distances([None] * 6, [None] * 6)
    fit = fit_noise(w["log_q"], labels, sellers, strangers)
    likelihood = leave_one_out_likelihood(fit, labels, sellers, strangers)
    for row in range(60):
        rest = np.arange(60) != row
        mass = np.full((6, 6), fit.concentration / 5)
        for other in np.flatnonzero(rest):
            mass[:, labels[other]] += fit.posterior[other]
        np.fill_diagonal(mass, 0.0)
        of_seller = rest & (sellers == sellers[row])
        wrong = 1.0 - fit.posterior[np.arange(60), labels]
        rate = (wrong[of_seller].sum() + 4.0 * fit.error_rate) / (of_seller.sum() + 4.0)
        if sellers[row] < 0:
            rate = fit.error_rate
        expected = rate * mass[:, labels[row]] / mass.sum(axis=1)
        expected[labels[row]] = 1.0 - rate
        assert likelihood[row] == pytest.approx(expected)


def test_listings_without_a_seller_have_the_overall_rate() -> None:
    w = world()
    sellers = np.where(w["sellers"] == 1, -1, w["sellers"])
    fit = fit_noise(w["log_q"], w["labels"], sellers, LEVELS)
    assert fit.rates(np.array([-1, 2])).tolist() == [fit.error_rate, fit.seller_rates[2]]
    nobody = fit_noise(w["log_q"], w["labels"], np.full(len(sellers), -1), LEVELS)
    assert nobody.seller_rates.shape == (0,)
    assert nobody.error_rate == pytest.approx(w["wrong"].mean(), abs=0.02)


def test_a_seller_of_one_listing_is_near_the_overall_rate() -> None:
    w = world()
    sellers = w["sellers"].copy()
    sellers[np.flatnonzero(w["wrong"])[0]] = 3
    fit = fit_noise(w["log_q"], w["labels"], sellers, LEVELS)
    assert fit.error_rate < fit.seller_rates[3] <= (1 + 4 * fit.error_rate) / 5 + 1e-6


def test_without_data_for_a_category_errors_are_distributed_as_overall() -> None:
    # Errors of 0 to 3 go to siblings; 4 and 5 have none to speak of, and category 3 never errs here.
    labels = np.array([1, 0, 3] * 200)
    truth = np.array([0, 1, 2] * 200)
    log_q = np.log(np.where(np.eye(6)[truth] > 0, 0.9995, 0.0001))
    fit = fit_noise(log_q, labels, np.full(600, -1), LEVELS)
    assert fit.transitions[3, 2] > 0.5 > fit.transitions[3, 4]
    assert fit.transitions[4, 5] > fit.transitions[4, 0]


def test_the_prior_does_not_dominate_with_a_thousand_categories() -> None:
    parents = [f"p{i // 5}" for i in range(1000)]
    distances = category_distances(parents, ["d"] * 1000)
    labels = np.full(40, 7)
    log_q = np.full((40, 1000), np.log(1e-5))
    log_q[:, 3] = np.log(0.99)
    fit = fit_noise(log_q, labels, np.full(40, -1), distances)
    assert fit.transitions[3, 7] > 0.8


def test_weights_sharpen_a_flat_branch_and_ignore_a_random_one() -> None:
    w = world(sharpness=2.0)
    random = np.random.default_rng(0)
    flat = 0.4 * w["log_q"]
    flat -= np.log(np.exp(flat).sum(axis=1, keepdims=True))
    noise = np.log(random.dirichlet(np.ones(6), len(flat)))
    fit = fit_noise(w["log_q"], w["labels"], w["sellers"], LEVELS)
    rates = fit.rates(w["sellers"])
    likelihood = label_likelihood(w["labels"], rates, fit.transitions)
    sharpened, useless = fit_weights([flat, noise], likelihood, [1.0, 1.0])
    (as_it_was,) = fit_weights([w["log_q"]], likelihood, [1.0])
    assert sharpened == pytest.approx(as_it_was / 0.4, rel=0.05)
    assert useless == pytest.approx(0.0, abs=0.05)


def test_the_share_of_mismatched_pictures_is_estimated() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(0, 6, 4000)
    shown = np.where(random.random(4000) < 0.1, random.integers(0, 6, 4000), truth)
    guessed = np.where(random.random(4000) < 0.75, shown, (shown + random.integers(1, 6, 4000)) % 6)
    image = np.log(0.05 + 0.7 * np.eye(6)[guessed])
    belief = 0.0004 + 0.9976 * np.eye(6)[truth]
    found = fit_mismatch(belief, image)
    assert found.rate == pytest.approx(0.1, abs=0.04)
    assert found.marginal == pytest.approx(np.full(6, 1 / 6), abs=0.02)


def test_mismatched_pictures_are_found_even_if_the_branch_is_flat() -> None:
    """A branch trained with label smoothing is never certain; unsharpened, it would find no mismatched picture."""
    random = np.random.default_rng(6)
    truth = random.integers(0, 20, 8000)
    lies = random.random(8000) < 0.05
    shown = np.where(lies, random.integers(0, 20, 8000), truth)
    scores = 3.0 * (3.0 * np.eye(20)[shown] + random.normal(size=(8000, 20)))  # the exact log-posterior, but for a term
    log_image = 0.5 * scores
    log_image -= np.log(np.exp(log_image).sum(axis=1, keepdims=True))
    belief = 1e-5 + (1 - 2e-4) * np.eye(20)[truth]
    found = fit_mismatch(belief, log_image)
    assert found.weight == pytest.approx(2.0, abs=0.3)
    assert found.rate == pytest.approx(0.05, abs=0.015)
