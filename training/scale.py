"""Choose how far to trust the classifier: the scale of the branch weights that implies the estimated share of errors.

All branch weights are multiplied by a common scale. The larger it is, the more labels the noise model takes for wrong.
The likelihood of the labels is a poor guide to the scale: it explains the classifier's systematic errors as errors that
sellers make. The share of wrong labels, which `training.error_share` estimates from other evidence, settles it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from schemas.arrays import Floats, Ints
from schemas.branches import Fusion
from schemas.estimates import ShareEstimate
from training.noise import NoiseFit, em_step, initial_fit, wrong_share
from training.sample import Sample
from udfs.fusion import fuse
from udfs.posterior import posterior

SCALES: Floats = np.geomspace(0.25, 4.0, 13)
_LAST_START = 7
"""The scales are searched from the one, up to this index (scale 1.26), that implies the fewest errors: below it, flat
probabilities imply more errors the smaller the scale."""
_FLAT = 0.005
"""Above the largest implied share, the smallest scale counts that implies a share this close to it."""
_TOLERANCE = 1e-4
_MIN_STEPS, _MAX_STEPS = 8, 40
"""EM has converged if a step changes the implied share by less than the tolerance, after the least number of steps."""


_MIN_PROBABILITY = 1e-3
"""Of an audited category: people err, too, and one answer must not outweigh all others."""
_SHARE_ERROR = 0.03
"""Error of an estimated share beyond its standard error, as far as an audit's answers can correct it."""
_BIAS = 0.01
"""Error of an estimated share beyond its standard error, which covers chance only."""
_MARGIN = 0.5
"""In standard errors, with the bias. In simulated worlds 0 to 0.5 are equally good; 1 leaves more wrong labels."""
_STEPS = 97
"""Scales at which the evidence of an audit is compared."""


@dataclass(frozen=True)
class Implied:
    """What the noise model implies at each of `SCALES`, and how it agrees with an audit; by default there was none.

    Attributes:
        shares: shape (13,), the share of wrong labels.
        left: shape (13,), the share of wrong best guesses.
        classifier: shape (13,), the share of listings on which the classifier's most probable category is wrong.
        disagreement: the share of listings on which it is not the label.
        log_likelihood: shape (13,), of the audited categories.
        wrong_guesses: shape (13,), how many audited listings have a wrong best guess.
        wrong_labels: how many have a wrong label.
        audited: how many there are.
    """

    shares: Floats
    left: Floats
    classifier: Floats
    disagreement: float
    log_likelihood: Floats = field(default_factory=lambda: np.zeros(len(SCALES)))
    wrong_guesses: Floats = field(default_factory=lambda: np.zeros(len(SCALES)))
    wrong_labels: int = 0
    audited: int = 0


def choose_scale(implied: Implied, share: ShareEstimate) -> float:
    """The scale at which the noise model implies the estimated share of wrong labels, less half its error.

    The implied share hardly rises at large scales, so the estimate cannot tell them apart there. A larger scale than
    necessary takes more of the classifier's mistakes for sellers' errors.

    The scale is limited to the one at which the classifier claims as many errors as its disagreement with the labels
    shows: (d - e) / (1 - e), where it disagrees with a share d of the labels and a share e is wrong.

    If people have audited some listings, it is the scale that makes their answers likeliest, given the estimate. This
    is better than the scale for the audited share: wrong labels that look right to the classifier add to the share, but
    no scale can correct them.

    Args:
        implied: as `implied_shares` returns it.
        share: as `training.error_share.pooled_share` returns it.

    Returns:
        Between the first and the last of `SCALES`; 0 if every label should be kept, because the best guesses may well
        be no better than the labels.
    """
    wanted = solve_scale(implied.shares, share.value - _MARGIN * float(np.hypot(share.error, _BIAS)))
    scale = min(wanted, calibrated_scale(implied, share.value))
    keep = scale == 0.0 or share.lower <= _at(implied.left, scale)
    if not implied.audited:
        return 0.0 if keep else scale
    candidates = np.geomspace(SCALES[0], SCALES[-1], _STEPS)
    shares, likelihood = (_at(values, candidates) for values in (implied.shares, implied.log_likelihood))
    error = np.hypot(_SHARE_ERROR, share.error)
    scale = float(candidates[np.argmax(likelihood - 0.5 * ((shares - share.value) / error) ** 2)])
    wrong_guesses = float(_at(implied.wrong_guesses, scale))
    gain = (implied.wrong_labels - wrong_guesses) / np.sqrt(max(implied.wrong_labels + wrong_guesses, 1.0))
    return 0.0 if gain < -1.0 or (keep and gain < 1.0) else scale


def solve_scale(shares: Floats, share: float) -> float:
    """The scale at which the implied share is `share`, interpolated; 0 if `share` is below all of them.

    Args:
        shares: shape (13,), the implied share at each of `SCALES`.
        share: the estimated share.
    """
    start = int(np.argmin(shares[: _LAST_START + 1]))
    rising, scales = np.maximum.accumulate(shares[start:]), np.log(SCALES[start:])
    if share < rising[0]:
        return 0.0
    if share >= rising[-1]:
        return float(np.exp(scales[np.flatnonzero(rising >= rising[-1] - _FLAT)[0]]))
    above = int(np.searchsorted(rising, share, side="right"))
    part = (share - rising[above - 1]) / (rising[above] - rising[above - 1])
    return float(np.exp(scales[above - 1] + part * (scales[above] - scales[above - 1])))


def calibrated_scale(implied: Implied, share: float) -> float:
    """The largest scale at which the classifier claims no fewer errors than its disagreement with the labels shows."""
    errors = max(implied.disagreement - share, 0.0) / max(1.0 - share, 1e-12)
    return float(np.exp(np.interp(-errors, -implied.classifier, np.log(SCALES))))


def implied_shares(sample: Sample, fusion: Fusion, distances: Ints, concentration: float) -> Implied:
    """Fit the noise model at each of `SCALES`.

    Args:
        sample: labelled rows with out-of-sample log-probabilities; decided rows count as decided.
        fusion: the branch weights at scale 1.
        distances: as `training.transitions.category_distances`.
        concentration: the same at all scales; otherwise the implied share jumps.
    """
    usable = sample.usable
    labels = sample.labels[usable]
    in_audit = sample.audited[usable] >= 0
    rows = usable[in_audit]
    truths = sample.audited[rows]
    found = []
    disagreement = 0.0
    for scale in SCALES.tolist():
        log_q = fuse(sample.branches, scaled(fusion, scale))[usable].astype(np.float64)
        disagreement = float((log_q.argmax(axis=1) != labels).mean())
        fit = fit_to_convergence(sample, log_q, distances, concentration)
        # A decided category has probability 1 in the fit; what counts here is the posterior without the decision.
        rates = fit.rates(sample.sellers[rows])
        undecided, _ = posterior(log_q[in_audit], sample.labels[rows], rates, fit.transitions)
        likelihood = np.maximum(undecided[np.arange(len(rows)), truths], _MIN_PROBABILITY)
        wrong = float((undecided.argmax(axis=1) != truths).sum())
        left = float(1.0 - fit.posterior.max(axis=1).mean())
        claimed = float(1.0 - np.exp(log_q.max(axis=1)).mean())
        found.append((wrong_share(fit.posterior, labels), left, claimed, float(np.log(likelihood).sum()), wrong))
    shares, left_wrong, classifier, log_likelihood, guesses = np.array(found).T
    wrong_labels = int((sample.labels[rows] != truths).sum())
    return Implied(shares, left_wrong, classifier, disagreement, log_likelihood, guesses, wrong_labels, len(rows))


def fit_to_convergence(sample: Sample, log_q: Floats, distances: Ints, concentration: float) -> NoiseFit:
    """Fit the noise model with free error rate to convergence, from the same start for all weights.

    Args:
        sample, distances, concentration: as in `implied_shares`.
        log_q: the fused log-probabilities of the usable rows of the sample, shape (u, C).

    Returns:
        The fit on the usable rows of the sample.
    """
    usable = sample.usable
    labels, sellers, truths = sample.labels[usable], sample.sellers[usable], sample.truths[usable]
    fit, share = initial_fit(distances, len(sample.seller_ids), concentration), np.inf
    for step in range(_MAX_STEPS):
        fit = em_step(fit, log_q, labels, sellers, distances, truths=truths)
        before, share = share, wrong_share(fit.posterior, labels)
        if step >= _MIN_STEPS and abs(share - before) < _TOLERANCE:
            break
    return fit


def scaled(fusion: Fusion, scale: float) -> Fusion:
    """All weights multiplied by a scale."""
    return {key: {name: scale * weight for name, weight in weights.items()} for key, weights in fusion.items()}


def unit_fusion(fusion: Fusion, key: str, branch: str) -> Fusion:
    """All weights divided by one of them, so that this one is 1.

    With the text branch's weight, scale 1 trusts the text as far as its own probabilities say. The fusion is returned
    as it is if that weight is 0 or missing.
    """
    weight = fusion.get(key, {}).get(branch, 0.0)
    return scaled(fusion, 1.0 / weight) if weight > 0.0 else fusion


def _at(values: Floats, scale: Floats | float) -> Floats:
    """Values at each of `SCALES`, interpolated at other scales."""
    return np.asarray(np.interp(np.log(scale), np.log(SCALES), values))
