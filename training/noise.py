"""The noise model by expectation-maximisation: how often each seller is wrong, where errors go, which pictures lie.

Dawid and Skene (1979) with a classifier in the place of the second annotator; see `udfs.posterior`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from udfs.fusion import sharpened
from udfs.posterior import posterior

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROUNDS, _MORE_ROUNDS = 10, 4
"""Of EM, from the beginning and from an earlier fit."""
_LEAST = 1e-12
_MIXING_ROUNDS = 50
_WEIGHTS = (0.3, 4.0)
"""Exponents of the picture's probabilities that are looked among."""
START_RATE = 0.2
SELLER_PRIOR = 4.0
"""A seller's rate is shrunk to the overall one as if by so many listings more."""
TRANSITION_PRIOR = 5.0
"""Mass of the prior on a row of M, however many categories there are."""


@dataclass(frozen=True)
class NoiseFit:
    """What EM found.

    Attributes:
        transitions: shape (C, C), M; rows sum to 1, diagonal 0.
        error_rate: the overall share of wrong labels.
        factor: by which the posterior's share of wrong labels is multiplied to have that rate; 1 where it was free.
        seller_rates: shape (S,), shrunk error rates.
        posterior: shape (n, C), of the rows it was fitted on.
        evidence: shape (n,), log P(label | content, seller).
    """

    transitions: Floats
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
    levels: Ints,
    *,
    error_rate: float | None = None,
    truths: Ints | None = None,
    sellers_known: int | None = None,
    start: NoiseFit | None = None,
) -> NoiseFit:
    """Fit error rates and transitions to given labels and out-of-sample probabilities.

    Args:
        log_q: shape (n, C), the classifier's log-probabilities.
        labels: shape (n,), category index of each seller's label, all >= 0.
        sellers: shape (n,), seller index, -1 where there is none.
        levels: shape (C, C), as `category_levels` gives them.
        error_rate: the overall share of wrong labels where it is known from elsewhere (`training.anchors`); default: it
            is fitted, too.
        truths: shape (n,), category index that a person has decided, -1 where nobody has; default: nobody anywhere.
            Who is asked depends on content, label and seller alone, so that these rows may be in the likelihood like
            any other (missing at random: Rubin, 1976).
        sellers_known: S; default: as many as `sellers` names. One without a row has the overall rate.
        start: an earlier fit to go on from, for fewer rounds; default: e = 0.2 and M from the levels alone.
    """
    many = int(sellers.max(initial=-1)) + 1 if sellers_known is None else sellers_known
    known = sellers >= 0
    counts = np.bincount(sellers[known], minlength=many)
    begin = START_RATE if error_rate is None else error_rate
    fit = start or NoiseFit(
        _transitions(np.zeros(levels.shape), levels),
        begin,
        1.0,
        np.full(many, begin),
        np.zeros((0, 0)),
        np.zeros(0),
    )
    rows = np.arange(len(labels))
    for _ in range(_ROUNDS if start is None else _MORE_ROUNDS):
        belief, _ = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
        settle(belief, truths)
        wrong = 1.0 - belief[rows, labels]
        if error_rate is None:
            overall, factor = float((wrong.sum() + SELLER_PRIOR * fit.error_rate) / (len(wrong) + SELLER_PRIOR)), 1.0
        else:
            overall, factor = error_rate, error_rate / max(float(wrong.mean()), _LEAST)
        wrong = np.minimum(factor * wrong, 1.0)
        by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=many)
        rates = (by_seller + SELLER_PRIOR * overall) / (counts + SELLER_PRIOR)
        fit = NoiseFit(_transitions(_mass(belief, labels), levels), overall, factor, rates, belief, np.zeros(0))
    belief, evidence = posterior(log_q, labels, fit.rates(sellers), fit.transitions)
    settle(belief, truths)
    return NoiseFit(fit.transitions, fit.error_rate, fit.factor, fit.seller_rates, belief, evidence)


def left_out_likelihood(fit: NoiseFit, labels: Ints, sellers: Ints, levels: Ints) -> Floats:
    """P(label | true category, seller) for every row as if the noise had been fitted without that row.

    A transition matrix that has seen a label explains it by itself, so that a classifier held against it comes out
    too sure of itself. Exact for the last step of EM: what the row gave to M and to its seller's rate is taken back.

    Args:
        fit: of these very rows.
        labels, sellers, levels: as in `fit_noise`.

    Returns:
        Shape (n, C).
    """
    rows = np.arange(len(labels))
    belief = fit.posterior
    total = _weighed_mass(_mass(belief, labels), levels)
    own = np.where(np.eye(total.shape[0], dtype=np.bool_)[labels], 0.0, belief)
    left = np.maximum(total.T[labels] - own, 0.0)
    transitions = left / np.maximum(total.sum(axis=1)[None] - own, 1e-12)
    wrong = np.minimum(fit.factor * (1.0 - belief[rows, labels]), 1.0)
    rates = np.full(len(rows), fit.error_rate)
    known = np.flatnonzero(sellers >= 0)
    counts = np.bincount(sellers[known], minlength=len(fit.seller_rates))
    by_seller = np.bincount(sellers[known], weights=wrong[known], minlength=len(fit.seller_rates))
    of = sellers[known]
    rates[known] = (by_seller[of] - wrong[known] + SELLER_PRIOR * fit.error_rate) / (counts[of] - 1 + SELLER_PRIOR)
    likelihood = rates[:, None] * transitions
    likelihood[rows, labels] = 1.0 - rates
    return np.asarray(likelihood)


def _mass(belief: Floats, labels: Ints) -> Floats:
    """Posterior mass of (truth, label), shape (C, C)."""
    mass = np.zeros((belief.shape[1], belief.shape[1]))
    np.add.at(mass.T, labels, belief)
    return mass


def settle(belief: NDArray[Any], truths: Ints | None) -> None:
    """Make the belief in what a person has decided certain, in place.

    Args:
        belief: shape (n, C), of categories, or likelihoods of them.
        truths: shape (n,), -1 where nobody has decided; None: nobody anywhere.
    """
    if truths is not None:
        known = np.flatnonzero(truths >= 0)
        belief[known] = 0.0
        belief[known, truths[known]] = 1.0


def category_levels(parents: Sequence[str | None], departments: Sequence[str | None]) -> Ints:
    """How near two categories are, shape (C, C): 0 the same, 1 one parent, 2 one department, 3 neither."""

    def same(values: Sequence[str | None]) -> NDArray[np.bool_]:
        codes = np.array([f"={v}" if v is not None else f"#{i}" for i, v in enumerate(values)], dtype=object)
        return np.asarray(codes[:, None] == codes[None, :], dtype=np.bool_)

    levels = np.where(same(parents), 1, np.where(same(departments), 2, 3))
    np.fill_diagonal(levels, 0)
    return levels.astype(np.int64)


def _transitions(mass: Floats, levels: Ints) -> Floats:
    """M from the posterior mass of (truth, label)."""
    total = _weighed_mass(mass, levels)
    return np.asarray(total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12))


def _weighed_mass(mass: Floats, levels: Ints) -> Floats:
    """The mass off the diagonal with a prior that backs off to siblings and department.

    The prior's row c spreads the overall share of errors among siblings, within the department and anywhere
    evenly over the categories at that level of c; its total mass is the same for 10 or 1,000 categories.
    """
    off = np.where(levels == 0, 0.0, mass)
    seen = np.array([off[levels == level].sum() for level in (1, 2, 3)]) + 1.0
    members = np.stack([(levels == level).sum(axis=1) for level in (1, 2, 3)], axis=1)
    share = (seen / seen.sum()) * (members > 0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    each = np.concatenate([np.zeros((len(levels), 1)), share / np.maximum(members, 1)], axis=1)
    prior = np.take_along_axis(each, levels, axis=1)
    return np.asarray(off + TRANSITION_PRIOR * prior)


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


def fit_mismatch(belief: Floats, log_image: Floats) -> Mismatch:
    """How often pictures lie, and how far the picture's probabilities can be trusted to tell, by their likelihood.

    A mixture: a picture is of the listing's category (likelihood ratio `Σ_c P(c | text, label, seller)
    p_image(c) / m(c)`), or it is any picture at all (ratio 1), with m the mean of p_image. The exponent of p_image is
    fitted with the rate: the one that suits all pictures takes those that lie for doubt, and finds none of them.

    Args:
        belief: shape (n, C), posterior by text, label and seller, without the picture.
        log_image: shape (n, C), log-probabilities by the picture, as the branch gives them.
    """

    def loss(weight: float) -> float:
        ratio, _ = _image_ratio(belief, log_image, weight)
        rate = _lying(ratio)
        return -float(np.log(rate + (1.0 - rate) * ratio).mean())

    weight = float(minimize_scalar(loss, bounds=_WEIGHTS, method="bounded", options={"xatol": 0.02}).x)
    ratio, marginal = _image_ratio(belief, log_image, weight)
    return Mismatch(weight, marginal, _lying(ratio))


def _image_ratio(belief: Floats, log_image: Floats, weight: float) -> tuple[Floats, Floats]:
    image = sharpened(np.exp(log_image), weight)
    marginal = (image.sum(axis=0) + 1.0 / image.shape[1]) / (len(image) + 1.0)
    return (belief * (image / marginal)).sum(axis=1), marginal / marginal.sum()


def _lying(ratio: Floats) -> float:
    """The mixture's share of pictures of something else, by EM."""
    rate = 0.05
    for _ in range(_MIXING_ROUNDS):
        rate = float((rate / (rate + (1.0 - rate) * ratio)).mean())
    return rate
