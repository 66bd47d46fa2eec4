"""The first pass: estimate the label noise, and make soft labels for the second pass.

The first pass trains on the labels as they are. Its posteriors are the targets of the second pass (model bootstrapped
EM: Khetan, Lipton and Anandkumar, ICLR 2018): a network trained on the probable true labels makes fewer errors than one
trained on sellers' labels. Each soft label comes from a member that has not trained on the listing. But in the second
pass, a little of a listing's own label leaks back through the soft labels of other listings. Therefore the noise model
is fitted on the first pass, where no label influences the prediction for its own listing.

How far the classifier is trusted follows from the estimated share of wrong labels (`training.error_share`,
`training.scale`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.arrays import Bools, Floats, Floats32, Ints
from schemas.branches import BRANCHES, IMAGE, INPUT_SETS, TEXT, Fusion, Input, Weights, applicable_branches
from schemas.estimates import ShareEstimate
from training.calibration import fit_weights
from training.error_share import (
    UNKNOWN,
    Evidence,
    audit_share,
    confident_share,
    learning_curve_share,
    pooled_share,
    seller_share,
)
from training.noise import (
    NoiseFit,
    clamp_to_truth,
    fit_noise,
    initial_fit,
    keep_labels,
    leave_one_out_likelihood,
    wrong_share,
)
from training.sample import Sample
from training.scale import (
    calibrated_scale,
    choose_scale,
    fit_to_convergence,
    implied_shares,
    scaled,
    unit_fusion,
)
from training.transitions import CONCENTRATIONS
from udfs.fusion import fuse
from udfs.posterior import posterior

_MAX_ROUNDS = 20
_TOLERANCE = 0.01
"""The weights have converged if they change by less than this (relative and absolute)."""
_MIN_TEXT_SHARE = 0.25
"""If a smaller share of the listings has text, there is no first pass."""
_FIRST_WEIGHT, _OTHER_WEIGHT = 1.0, 0.3
"""Initial weights of the first applicable branch and of the others."""


@dataclass(frozen=True)
class FewerListings:
    """What members that were trained on fewer listings say of the labels of a sample, for the learning curve.

    Attributes:
        disagree: shape (n,), the share of those members, of the ones that have not trained on the row, whose most
            probable category is not the label.
        ratio: how many times as many listings the full members were trained on.
    """

    disagree: Floats
    ratio: float


@dataclass(frozen=True)
class FirstPass:
    """The result of the first pass.

    Attributes:
        noise: the noise model.
        fusion: the branch weights.
        scale: what they were multiplied by, so that the noise model implies the estimated share of wrong labels, where
            1 trusts the classifier as far as its own probabilities say. 0: every label is kept (`noise.keep_labels`),
            and the weights serve only listings without a label.
        share: the estimated share of wrong labels.
        implied_share: the share that the noise model implies.
        prior: shape (C,), estimated share of each category.
    """

    noise: NoiseFit
    fusion: Fusion
    scale: float
    share: ShareEstimate
    implied_share: float
    prior: Floats

    def without_rows(self) -> FirstPass:
        """A copy without the arrays that have an entry per row of the sample."""
        noise = replace(self.noise, posterior=np.zeros((0, len(self.prior))), evidence=np.zeros(0))
        return replace(self, noise=noise)


def fit_first_pass(
    sample: Sample, distances: Ints, fewer: FewerListings | None = None, twins: ShareEstimate | None = None
) -> FirstPass:
    """Fit the noise model, and trust the classifier as far as the estimated share of wrong labels says.

    Args:
        sample: labelled rows with out-of-sample log-probabilities.
        distances: as `training.transitions.category_distances`.
        fewer: of the same rows; None: the learning curve is not known.
        twins: as `training.error_share.twin_share`.
    """
    usable, count = sample.usable, sample.shape[1]
    if not len(usable):
        return _without_inputs(sample, distances)
    labels, truths = sample.labels[usable], sample.truths[usable]
    fusion = _likeliest_fusion(sample, distances)
    log_q = _fused(sample, fusion)[usable]
    evidence = gather_evidence(sample, log_q, fewer, twins)
    concentration = _fit(log_q, sample, usable, distances).concentration
    implied = implied_shares(sample, fusion, distances, concentration)
    calibrated = _fused(sample, scaled(fusion, calibrated_scale(implied, pooled_share(evidence).value)))[usable]
    claimed = np.where(truths >= 0, 0.0, 1.0 - np.exp(calibrated.max(axis=1)))
    share = pooled_share(replace(evidence, confident=_confident(sample, log_q, claimed)))
    scale = choose_scale(implied, share)
    fusion = scaled(fusion, scale or calibrated_scale(implied, share.value))
    log_q = _fused(sample, fusion)[usable]
    fit = fit_to_convergence(sample, log_q, distances, concentration)
    if scale == 0.0:
        fit = keep_labels(fit, log_q, labels, truths)
    prior = (fit.posterior.sum(axis=0) + 0.5) / (len(fit.posterior) + 0.5 * count)
    known = audit_share(implied.wrong_labels, implied.audited) or share
    return FirstPass(fit, fusion, scale, known, wrong_share(fit.posterior, labels), prior)


def enough_texts(sample: Sample) -> bool:
    """Whether enough listings have text to fit the noise model on text alone."""
    return bool(sample.has(Input.TEXT).mean() >= _MIN_TEXT_SHARE) if len(sample.labels) else False


def soft_labels(first: FirstPass, text: Floats32, labels: Ints, truths: Ints, sellers: Ints) -> Floats32:
    """The posterior of every category given the listing's text, label and seller.

    Args:
        first: the first pass.
        text: shape (n, C), out-of-sample log-probabilities; NaN where there is no text.
        labels: shape (n,), the seller's category index, -1 where there is none.
        truths: shape (n,), the category that a person has decided, -1 where nobody has.
        sellers: shape (n,), index into the sellers' error rates, -1 where the rate is unknown.

    Returns:
        Shape (n, C); rows sum to 1. A decided category has probability 1.
    """
    log_q = fuse({TEXT.name: text}, first.fusion).astype(np.float64)
    log_q[np.isnan(log_q[:, 0])] = np.log(first.prior)
    targets, _ = posterior(log_q, labels, first.noise.rates(sellers), first.noise.transitions)
    clamp_to_truth(targets, truths)
    return np.asarray(targets, np.float32)


def initial_fusion(sample: Sample) -> Fusion:
    """The initial weights for the branches of the sample."""
    available = frozenset[Input]().union(*(branch.inputs for branch in BRANCHES if branch.name in sample.branches))
    found: Fusion = {}
    for key, present in INPUT_SETS.items():
        if not present <= available:
            continue
        names = applicable_branches(present, sample.branches)
        found[key] = {name: _OTHER_WEIGHT if i else _FIRST_WEIGHT for i, name in enumerate(names)}
    return found


def max_likelihood_fusion(sample: Sample, start: Fusion, likelihood: Floats) -> Fusion:
    """The branch weights that maximise the likelihood of the given labels.

    The weights for a set of inputs are fitted on all rows that have these inputs, even if they also have others.

    Args:
        sample: labelled rows with out-of-sample log-probabilities.
        start: the initial weights; a branch with weight 0 keeps weight 0.
        likelihood: shape (n, C), P(label | category, seller); modified in place: clamped to the decided categories.
    """
    clamp_to_truth(likelihood, sample.truths)
    found: Fusion = {}
    for key, weights in start.items():
        rows = np.logical_and.reduce([sample.has(each) for each in INPUT_SETS[key]])
        found[key] = _fit_weights(sample, rows, weights, likelihood)
    return found


def _fit_weights(sample: Sample, rows: Bools, start: Weights, likelihood: Floats) -> Weights:
    if not rows.any():
        return start
    positive = [name for name, weight in start.items() if weight > 0]
    log_probabilities = [sample.branches[name][rows].astype(np.float64) for name in positive]
    found = fit_weights(log_probabilities, likelihood[rows], [start[name] for name in positive])
    return dict.fromkeys(start, 0.0) | dict(zip(positive, found, strict=True))


def _likeliest_fusion(sample: Sample, distances: Ints) -> Fusion:
    """Fit branch weights and noise model alternately, by maximum likelihood of the given labels.

    The weights are relative to that of text alone, or of the picture alone if there are too few texts: the likelihood
    shows how the branches compare, but not how far to trust them.
    """
    usable = sample.usable
    labels, sellers = sample.labels[usable], sample.sellers[usable]
    fusion = initial_fusion(sample)
    fit: NoiseFit | None = None
    likelihood = np.ones(sample.shape)
    for _ in range(_MAX_ROUNDS if len(sample.branches) > 1 else 0):
        fit = _fit(_fused(sample, fusion)[usable], sample, usable, distances, fit)
        likelihood[usable] = leave_one_out_likelihood(fit, labels, sellers, distances)
        before, fusion = fusion, max_likelihood_fusion(sample, fusion, likelihood)
        if np.allclose(_flat(fusion), _flat(before), rtol=_TOLERANCE, atol=_TOLERANCE):
            break
    main = TEXT if enough_texts(sample) else IMAGE
    return unit_fusion(fusion, main.name, main.name)


def _without_inputs(sample: Sample, distances: Ints) -> FirstPass:
    """Where no listing has a text or a picture, nothing is known."""
    count = sample.shape[1]
    noise = initial_fit(distances, len(sample.seller_ids), CONCENTRATIONS[0])
    return FirstPass(noise, initial_fusion(sample), 0.0, UNKNOWN, 0.0, np.full(count, 1.0 / count))


def gather_evidence(
    sample: Sample, log_q: Floats, fewer: FewerListings | None, twins: ShareEstimate | None
) -> Evidence:
    """The evidence about the share of wrong labels that the usable rows give.

    Args:
        sample, fewer, twins: as in `fit_first_pass`.
        log_q: the fused log-probabilities of the usable rows, shape (u, C).
    """
    usable = sample.usable
    labels, groups = sample.labels[usable], sample.groups[usable]
    disagrees = log_q.argmax(axis=1) != labels
    curve = None
    if fewer is not None:
        curve = learning_curve_share(disagrees, fewer.disagree[usable], fewer.ratio, groups)
    return Evidence(
        confident=_confident(sample, log_q),
        twins=twins,
        learning_curve=curve,
        sellers=seller_share(disagrees, sample.sellers[usable], groups),
    )


def _confident(sample: Sample, log_q: Floats, claimed: Floats | None = None) -> ShareEstimate:
    """`training.error_share.confident_share` of the usable rows."""
    usable = sample.usable
    labels, truths = sample.labels[usable], sample.truths[usable]
    confidence = log_q.max(axis=1) if sample.confidence is None else sample.confidence[usable]
    # Where people have decided, it is known whether the label is wrong.
    wrong = np.where(truths >= 0, truths, log_q.argmax(axis=1)) != labels
    return confident_share(confidence, wrong, sample.groups[usable], claimed)


def _fit(log_q: Floats, sample: Sample, rows: Ints, distances: Ints, start: NoiseFit | None = None) -> NoiseFit:
    return fit_noise(
        log_q,
        sample.labels[rows],
        sample.sellers[rows],
        distances,
        truths=sample.truths[rows],
        seller_count=len(sample.seller_ids),
        start=start,
    )


def _fused(sample: Sample, fusion: Fusion) -> Floats:
    return fuse(sample.branches, fusion).astype(np.float64)


def _flat(fusion: Fusion) -> list[float]:
    return [weight for weights in fusion.values() for weight in weights.values()]
