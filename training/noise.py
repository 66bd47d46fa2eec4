"""The noise model by expectation-maximisation: how often each seller is wrong, where errors go, which pictures lie.

Dawid and Skene (1979) with a classifier in the place of the second annotator; see `udfs.posterior`.
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

_ROUNDS, _MORE_ROUNDS = 10, 4
"""Of EM, from the beginning and from an earlier fit."""
_EPSILON = 1e-12
_MIXING_ROUNDS = 50
_WEIGHTS = (0.3, 4.0)
"""Exponents of the picture's probabilities that are looked among."""
START_RATE = 0.2
SELLER_PRIOR = 4.0
"""A seller's rate is shrunk to the overall one as if it had this many more listings."""


@dataclass(frozen=True)
class NoiseFit:
    """What EM found.

    Attributes:
        transitions: shape (C, C), M; rows sum to 1, diagonal 0.
        concentration: of M's prior, one of `training.transitions.CONCENTRATIONS`.
        error_rate: the overall share of wrong labels.
        factor: by which the posterior's share of wrong labels is multiplied to have that rate; 1 where it was free.
        seller_rates: shape (S,), shrunk error rates.
        posterior: shape (n, C), of the rows it was fitted on.
        evidence: shape (n,), log P(label | content, seller).
    """

    transitions: Floats
    concentration: float
    error_rate: float
    factor: float
    seller_rates: Floats
    posterior: Floats
    evidence: Floats

    def rates(self, sellers: Ints) -> Floats:
        """Each listing's error rate, shape (n,); the overall one where the seller is -1."""
        return np.append(self.seller_rates, self.error_rate)[sellers]


def fit_noise(
    log_q: Floats,
    labels: Ints,
    sellers: Ints,
    distances: Ints,
    *,
    error_rate: float | None = None,
    truths: Ints | None = None,
    seller_count: int | None = None,
    start: NoiseFit | None = None,
) -> NoiseFit:
    """Fit error rates and transitions to given labels and out-of-sample probabilities.

    Args:
        log_q: shape (n, C), the classifier's log-probabilities.
        labels: shape (n,), category index of each seller's label, all >= 0.
        sellers: shape (n,), seller index, -1 where there is none.
        distances: shape (C, C), as `training.transitions.category_distances` gives them.
        error_rate: the overall share of wrong labels where it is known from elsewhere (`training.anchors`); default: it
            is fitted, too.
        truths: shape (n,), category index that a person has decided, -1 where nobody has; default: nobody anywhere.
            Who is asked depends on content, label and seller alone, so that these rows may be in the likelihood like
            any other (missing at random: Rubin, 1976).
        seller_count: S; default: the largest index in `sellers` plus one. One without a row has the overall rate.
        start: an earlier fit to go on from, for fewer rounds; default: e = 0.2 and M from the distances alone.
    """
    seller_count = int(sellers.max(initial=-1)) + 1 if seller_count is None else seller_count
    known = sellers >= 0
    counts = np.bincount(sellers[known], minlength=seller_count)
    begin = START_RATE if error_rate is None else error_rate
    fit = start or NoiseFit(
        transition_matrix(np.zeros(distances.shape), distances, CONCENTRATIONS[0]),
        CONCENTRATIONS[0],
        begin,
        1.0,
        np.full(seller_count, begin),
        np.zeros((0, 0)),
        np.zeros(0),
    )
    rows = np.arange(len(labels))
    rounds = _ROUNDS if start is None else _MORE_ROUNDS
    for turn in range(rounds):
        posteriors, _ = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
        clamp_to_truth(posteriors, truths)
        wrong = 1.0 - posteriors[rows, labels]
        if error_rate is None:
            overall, factor = float((wrong.sum() + SELLER_PRIOR * fit.error_rate) / (len(wrong) + SELLER_PRIOR)), 1.0
        else:
            overall, factor = error_rate, error_rate / max(float(wrong.mean()), _EPSILON)
        wrong = np.minimum(factor * wrong, 1.0)
        by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=seller_count)
        rates = (by_seller + SELLER_PRIOR * overall) / (counts + SELLER_PRIOR)
        moved = transition_matrix(expected_errors(posteriors, labels), distances, fit.concentration)
        fit = NoiseFit(moved, fit.concentration, overall, factor, rates, posteriors, np.zeros(0))
        if turn == rounds // 2:
            fit = replace(fit, concentration=_best_concentration(fit, log_q, labels, sellers, distances))
    posteriors, evidence = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
    clamp_to_truth(posteriors, truths)
    return replace(fit, posterior=posteriors, evidence=evidence)


def _best_concentration(fit: NoiseFit, log_q: Floats, labels: Ints, sellers: Ints, distances: Ints) -> float:
    """The weight of M's prior under which each label is likeliest by what the other labels teach."""
    q = np.exp(log_q)

    def evidence(concentration: float) -> float:
        likelihood = leave_one_out_likelihood(replace(fit, concentration=concentration), labels, sellers, distances)
        return float(np.log(np.maximum((q * likelihood).sum(axis=1), _EPSILON)).sum())

    return max(CONCENTRATIONS, key=evidence)


def leave_one_out_likelihood(fit: NoiseFit, labels: Ints, sellers: Ints, distances: Ints) -> Floats:
    """P(label | true category, seller) for every row as if the noise had been fitted without that row.

    A transition matrix that has seen a label explains it by itself, so that a classifier held against it comes out
    too sure of itself. Exact for the last step of EM: what the row gave to M and to its seller's rate is taken back.

    Args:
        fit: of these very rows.
        labels, sellers, distances: as in `fit_noise`.

    Returns:
        Shape (n, C).
    """
    rows = np.arange(len(labels))
    posteriors = fit.posterior
    total = add_prior(expected_errors(posteriors, labels), distances, fit.concentration)
    own = np.where(np.eye(total.shape[0], dtype=np.bool_)[labels], 0.0, posteriors)
    left = np.maximum(total.T[labels] - own, 0.0)
    elsewhere = left / np.maximum(total.sum(axis=1)[None] - own, _EPSILON)
    wrong = np.minimum(fit.factor * (1.0 - posteriors[rows, labels]), 1.0)
    rates = np.full(len(rows), fit.error_rate)
    known = np.flatnonzero(sellers >= 0)
    counts = np.bincount(sellers[known], minlength=len(fit.seller_rates))
    by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=len(fit.seller_rates))
    of = sellers[known]
    rates[known] = (by_seller[of] - wrong[known] + SELLER_PRIOR * fit.error_rate) / (counts[of] - 1 + SELLER_PRIOR)
    likelihood = rates[:, None] * elsewhere
    likelihood[rows, labels] = 1.0 - rates
    return np.asarray(likelihood)


def clamp_to_truth(posteriors: NDArray[Any], truths: Ints | None) -> None:
    """Set the probability of the decided category to 1 and of the others to 0, in place.

    Args:
        posteriors: shape (n, C), of categories, or likelihoods of them.
        truths: shape (n,), -1 where nobody has decided; None: nobody anywhere.
    """
    if truths is not None:
        known = np.flatnonzero(truths >= 0)
        posteriors[known] = 0.0
        posteriors[known, truths[known]] = 1.0


@dataclass(frozen=True)
class Mismatch:
    """Pictures of something else.

    Attributes:
        weight: exponent of the picture's probabilities.
        marginal: shape (C,), what a random picture looks like under that exponent; sums to 1.
        rate: the share of pictures that show something else, 0 to 1.
    """

    weight: float
    marginal: Floats
    rate: float


def fit_mismatch(posteriors: Floats, log_image: Floats) -> Mismatch:
    """How often pictures lie, and how far the picture's probabilities can be trusted to tell, by their likelihood.

    A mixture: a picture is of the listing's category (likelihood ratio `Σ_c P(c | text, label, seller)
    p_image(c) / m(c)`), or it is any picture at all (ratio 1), with m the mean of p_image. The exponent of p_image is
    fitted with the rate: the one that suits all pictures takes those that lie for doubt, and finds none of them.

    Args:
        posteriors: shape (n, C), posterior by text, label and seller, without the picture.
        log_image: shape (n, C), log-probabilities by the picture, as the branch gives them.
    """

    def loss(weight: float) -> float:
        ratio, _ = _image_ratio(posteriors, log_image, weight)
        rate = _lying(ratio)
        return -float(np.log(rate + (1.0 - rate) * ratio).mean())

    weight = float(minimize_scalar(loss, bounds=_WEIGHTS, method="bounded", options={"xatol": 0.02}).x)
    ratio, marginal = _image_ratio(posteriors, log_image, weight)
    return Mismatch(weight, marginal, _lying(ratio))


def _image_ratio(posteriors: Floats, log_image: Floats, weight: float) -> tuple[Floats, Floats]:
    image = sharpened(np.exp(log_image), weight)
    marginal = (image.sum(axis=0) + 1.0 / image.shape[1]) / (len(image) + 1.0)
    return (posteriors * (image / marginal)).sum(axis=1), marginal / marginal.sum()


def _lying(ratio: Floats) -> float:
    """The mixture's share of pictures of something else, by EM."""
    rate = 0.05
    for _ in range(_MIXING_ROUNDS):
        rate = float((rate / (rate + (1.0 - rate) * ratio)).mean())
    return rate
