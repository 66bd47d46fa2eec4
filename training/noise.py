"""Fit the noise model by expectation-maximisation: sellers' error rates, the transition matrix, mismatched pictures.

The model is that of Dawid and Skene (1979) with the classifier as the second annotator; see `udfs.posterior`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from schemas.arrays import Floats, Ints
from training.transitions import CONCENTRATIONS, add_prior, expected_errors, transition_matrix
from udfs.fusion import sharpened
from udfs.posterior import posterior

_EM_STEPS, _WARM_START_EM_STEPS = 10, 4
"""Number of EM steps, from the initial values and from an earlier fit."""
_EPSILON = 1e-12
_BELOW = 0.99
"""So that the most doubtful label wins and does not tie."""
_MISMATCH_EM_STEPS = 50
_WEIGHT_BOUNDS = (0.3, 4.0)
"""Bounds of the exponent of the picture's probabilities."""
_START_RATE = 0.2
"""Initial error rate."""
SELLER_PRIOR = 4.0
"""Strength of the shrinkage of a seller's error rate to the overall rate, in listings."""


@dataclass(frozen=True)
class NoiseFit:
    """A fitted noise model.

    Attributes:
        transitions: shape (C, C), M; rows sum to 1, diagonal 0.
        concentration: of the Dirichlet prior of M, one of `training.transitions.CONCENTRATIONS`.
        error_rate: the overall share of wrong labels.
        seller_rates: shape (S,), error rates of the sellers, shrunk to the overall rate.
        posterior: shape (n, C), of the rows it was fitted on.
        evidence: shape (n,), log P(label | content, seller).
    """

    transitions: Floats
    concentration: float
    error_rate: float
    seller_rates: Floats
    posterior: Floats
    evidence: Floats

    def rates(self, sellers: Ints) -> Floats:
        """The error rate of each listing's seller, shape (n,); the overall rate where the seller is -1."""
        return np.append(self.seller_rates, self.error_rate)[sellers]


def fit_noise(
    log_q: Floats,
    labels: Ints,
    sellers: Ints,
    distances: Ints,
    *,
    truths: Ints | None = None,
    seller_count: int | None = None,
    start: NoiseFit | None = None,
) -> NoiseFit:
    """Fit error rates and transition matrix to labels and out-of-sample probabilities by EM.

    Args:
        log_q: shape (n, C), the classifier's log-probabilities.
        labels: shape (n,), category index of each seller's label, all >= 0.
        sellers: shape (n,), seller index, -1 where there is none.
        distances: shape (C, C), as `training.transitions.category_distances` returns them.
        truths: shape (n,), category index that a person has decided, -1 where nobody has; default: no decisions.
            Which listings people decide depends only on content, label and seller, so these rows belong in the
            likelihood like all others (missing at random: Rubin, 1976).
        seller_count: S; default: the largest index in `sellers` plus one. One without a row has the overall rate.
        start: an earlier fit as a warm start, with fewer EM steps; default: `_START_RATE` and M from the prior alone.
    """
    seller_count = int(sellers.max(initial=-1)) + 1 if seller_count is None else seller_count
    fit = start or initial_fit(distances, seller_count, CONCENTRATIONS[0])
    steps = _EM_STEPS if start is None else _WARM_START_EM_STEPS
    for step in range(steps):
        fit = em_step(fit, log_q, labels, sellers, distances, truths=truths)
        if step == steps // 2:
            fit = replace(fit, concentration=_best_concentration(fit, log_q, labels, sellers, distances))
    posteriors, evidence = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
    clamp_to_truth(posteriors, truths)
    return replace(fit, posterior=posteriors, evidence=evidence)


def initial_fit(distances: Ints, seller_count: int, concentration: float) -> NoiseFit:
    """The start of EM: every seller has the same rate, and M is its prior."""
    matrix = transition_matrix(np.zeros(distances.shape), distances, concentration)
    rates = np.full(seller_count, _START_RATE)
    return NoiseFit(matrix, concentration, _START_RATE, rates, np.zeros((0, 0)), np.zeros(0))


def em_step(
    fit: NoiseFit,
    log_q: Floats,
    labels: Ints,
    sellers: Ints,
    distances: Ints,
    *,
    truths: Ints | None = None,
) -> NoiseFit:
    """One step of expectation-maximisation: the posterior under `fit`, and the rates and M that follow from it.

    Args:
        fit: the noise model before the step; its concentration is kept.
        log_q, labels, sellers, distances, truths: as in `fit_noise`.
    """
    posteriors, _ = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
    clamp_to_truth(posteriors, truths)
    wrong = 1.0 - posteriors[np.arange(len(labels)), labels]
    overall = float((wrong.sum() + SELLER_PRIOR * fit.error_rate) / (len(wrong) + SELLER_PRIOR))
    known, seller_count = sellers >= 0, len(fit.seller_rates)
    counts = np.bincount(sellers[known], minlength=seller_count)
    by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=seller_count)
    rates = (by_seller + SELLER_PRIOR * overall) / (counts + SELLER_PRIOR)
    matrix = transition_matrix(expected_errors(posteriors, labels), distances, fit.concentration)
    return NoiseFit(matrix, fit.concentration, overall, rates, posteriors, np.zeros(0))


def _best_concentration(fit: NoiseFit, log_q: Floats, labels: Ints, sellers: Ints, distances: Ints) -> float:
    """The concentration of M's prior with the highest leave-one-out likelihood of the labels."""
    q = np.exp(log_q)

    def evidence(concentration: float) -> float:
        likelihood = leave_one_out_likelihood(replace(fit, concentration=concentration), labels, sellers, distances)
        return float(np.log(np.maximum((q * likelihood).sum(axis=1), _EPSILON)).sum())

    return max(CONCENTRATIONS, key=evidence)


def leave_one_out_likelihood(fit: NoiseFit, labels: Ints, sellers: Ints, distances: Ints) -> Floats:
    """P(label | true category, seller) for every row, as if the noise model had been fitted without that row.

    A transition matrix fitted with a label explains that label too well, and branch weights fitted under it would be
    overconfident. The row's contributions to M and to its seller's rate are subtracted; this is exact for the last EM
    step.

    Args:
        fit: the fit on exactly these rows.
        labels, sellers, distances: as in `fit_noise`.

    Returns:
        Shape (n, C).
    """
    rows = np.arange(len(labels))
    posteriors = fit.posterior
    total = add_prior(expected_errors(posteriors, labels), distances, fit.concentration)
    own = np.where(np.eye(total.shape[0], dtype=np.bool_)[labels], 0.0, posteriors)
    remaining = np.maximum(total.T[labels] - own, 0.0)
    transition = remaining / np.maximum(total.sum(axis=1)[None] - own, _EPSILON)
    wrong = 1.0 - posteriors[rows, labels]
    rates = np.full(len(rows), fit.error_rate)
    known = np.flatnonzero(sellers >= 0)
    counts = np.bincount(sellers[known], minlength=len(fit.seller_rates))
    by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=len(fit.seller_rates))
    own_seller = sellers[known]
    other_wrong = by_seller[own_seller] - wrong[known]
    rates[known] = (other_wrong + SELLER_PRIOR * fit.error_rate) / (counts[own_seller] - 1 + SELLER_PRIOR)
    likelihood = rates[:, None] * transition
    likelihood[rows, labels] = 1.0 - rates
    return np.asarray(likelihood)


def wrong_share(posteriors: Floats, labels: Ints) -> float:
    """The share of wrong labels that the posteriors, shape (n, C), imply."""
    return float(1.0 - posteriors[np.arange(len(labels)), labels].mean())


def keep_labels(fit: NoiseFit, log_q: Floats, labels: Ints, truths: Ints) -> NoiseFit:
    """The noise model under which no label loses: one error rate for all, the largest at which every label stays.

    At this rate the label is the likeliest category of every row, however sure the classifier is of another. The
    posteriors of the labels still differ, so that the most doubtful ones are known.

    Args:
        fit: a fit on these rows; its M is kept.
        log_q, labels, truths: as in `fit_noise`; decided rows do not count.
    """
    open_rows = np.flatnonzero((truths < 0) & ~np.isnan(log_q[:, 0]))
    q, given = np.exp(log_q[open_rows]), labels[open_rows]
    of_label = q[np.arange(len(given)), given]
    of_others = (q * fit.transitions.T[given]).max(axis=1, initial=0.0)
    highest = float((of_label / (of_label + of_others + _EPSILON)).min(initial=1.0))
    rate = float(np.clip(_BELOW * highest, _EPSILON, fit.error_rate))
    rates = np.full(len(fit.seller_rates), rate)
    posteriors, evidence = posterior(log_q, labels, np.full(len(labels), rate), fit.transitions)
    clamp_to_truth(posteriors, truths)
    return replace(fit, error_rate=rate, seller_rates=rates, posterior=posteriors, evidence=evidence)


def clamp_to_truth(posteriors: NDArray[Any], truths: Ints | None) -> None:
    """Set the probability of the decided category to 1 and of the others to 0, in place.

    Args:
        posteriors: shape (n, C), probabilities or likelihoods of the categories.
        truths: shape (n,), the decided category, -1 where nobody has decided; None: no decisions.
    """
    if truths is not None:
        known = np.flatnonzero(truths >= 0)
        posteriors[known] = 0.0
        posteriors[known, truths[known]] = 1.0


@dataclass(frozen=True)
class Mismatch:
    """The model of mismatched pictures, those that show something other than the listing.

    Attributes:
        weight: exponent of the picture's probabilities.
        marginal: shape (C,), mean probabilities over all pictures under that exponent; sums to 1.
        rate: the share of mismatched pictures, 0 to 1.
    """

    weight: float
    marginal: Floats
    rate: float


def fit_mismatch(posteriors: Floats, log_image: Floats) -> Mismatch:
    """Fit the share of mismatched pictures and the exponent of the picture's probabilities by maximum likelihood.

    A mixture of two components: a picture shows the listing's category (likelihood ratio `Σ_c P(c | text, label,
    seller) p_image(c) / m(c)`, m the mean of p_image), or it is a random picture (ratio 1). Rate and exponent must be
    fitted together: an exponent fitted without the mixture treats mismatches as uncertainty, and finds none.

    Args:
        posteriors: shape (n, C), posterior by text, label and seller, without the picture.
        log_image: shape (n, C), log-probabilities of the image branch.
    """

    def loss(weight: float) -> float:
        ratio, _ = _image_ratio(posteriors, log_image, weight)
        rate = _mismatch_rate(ratio)
        return -float(np.log(rate + (1.0 - rate) * ratio).mean())

    weight = float(minimize_scalar(loss, bounds=_WEIGHT_BOUNDS, method="bounded", options={"xatol": 0.02}).x)
    ratio, marginal = _image_ratio(posteriors, log_image, weight)
    return Mismatch(weight, marginal, _mismatch_rate(ratio))


def _image_ratio(posteriors: Floats, log_image: Floats, weight: float) -> tuple[Floats, Floats]:
    image = sharpened(np.exp(log_image), weight)
    marginal = (image.sum(axis=0) + 1.0 / image.shape[1]) / (len(image) + 1.0)
    return (posteriors * (image / marginal)).sum(axis=1), marginal / marginal.sum()


def _mismatch_rate(ratio: Floats) -> float:
    """The share of mismatched pictures in the mixture, by EM."""
    rate = 0.05
    for _ in range(_MISMATCH_EM_STEPS):
        rate = float((rate / (rate + (1.0 - rate) * ratio)).mean())
    return rate
