"""How well a model explains labels if its probabilities are sharpened or flattened as suits them best.

How sharp a model is must not decide which of two is better: only people's answers tell how far it may be trusted
(`training.scale`). Labels that were made wrong at random are easier to find than sellers' errors, so they favour the
sharper model, and sellers' labels favour one that takes their systematic errors for the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Floats, Ints
from training.labels import Labels
from training.noise import NoiseFit, fit_noise
from udfs.posterior import posterior

SCALES: Floats = np.geomspace(0.5, 4.0, 13)
"""The exponents of the probabilities that are tried."""
FLOOR = 1e-6
"""Probabilities are clipped from below, so that one listing cannot decide a comparison."""


@dataclass(frozen=True)
class Explained:
    """The log-likelihood of the labels under one model.

    Attributes:
        labels: shape (n,), log P(label), at the scale that makes the labels likeliest; NaN where people have decided.
            There, a model that has learned their answer would explain the seller's wrong label worse than one that has
            learned the wrong label.
        originals: shape (n,), for canaries log P(original label | wrong label), at the scale that makes the originals
            likeliest; 0 for the other rows.
    """

    labels: Floats
    originals: Floats


def explain(log_q: Floats, labels: Labels) -> Explained:
    """Each row's log-likelihoods under the noise model that is fitted on the other half, at the best scales.

    Args:
        log_q: shape (n, C), the model's log-probabilities, out of sample.
        labels: of the same rows.
    """
    tried = [_explain_at(scale * log_q, labels) for scale in SCALES]
    return Explained(
        max((each.labels for each in tried), key=lambda found: float(np.nansum(found))),
        max((each.originals for each in tried), key=lambda found: float(found.sum())),
    )


def _explain_at(scores: Floats, labels: Labels) -> Explained:
    """The log-likelihoods at one scale; scores: shape (n, C), log-probabilities but for a constant of each row."""
    log_q = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    given, originals = np.zeros(len(log_q)), np.zeros(len(log_q))
    seller_count = int(labels.sellers.max(initial=-1)) + 1
    for half in (0, 1):
        judged, fitted_on = labels.halves == half, labels.halves != half
        fit = fit_noise(
            log_q[fitted_on],
            labels.given[fitted_on],
            labels.sellers[fitted_on],
            labels.distances,
            truths=labels.decided[fitted_on],
            seller_count=seller_count,
        )
        _, given[judged] = posterior(
            log_q[judged], labels.given[judged], fit.rates(labels.sellers[judged]), fit.transitions
        )
        planted = np.flatnonzero(judged & (labels.canaries >= 0))
        originals[planted] = _original_log_likelihood(log_q, labels, fit, planted)
    return Explained(np.where(labels.decided >= 0, np.nan, given), originals)


def _original_log_likelihood(log_q: Floats, labels: Labels, fit: NoiseFit, rows: Ints) -> Floats:
    """The log of P(original label) of canaries, given their wrong label, shape (len(rows),).

    The original label is a seller's, which may be wrong, too: `log Σ_c P(c | x, wrong label) P(original label | c, s)`.
    A model that is rightly sure that it is wrong must not lose.

    Args:
        log_q: shape (n, C).
        labels: of the same rows.
        fit: the noise model.
        rows: indices of canaries.
    """
    rates = fit.rates(labels.sellers[rows])
    undone, _ = posterior(log_q[rows], labels.canaries[rows], rates, fit.transitions)
    _, found = posterior(np.log(np.maximum(undone, FLOOR)), labels.given[rows], rates, fit.transitions)
    return found
