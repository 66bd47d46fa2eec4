"""Quality metrics: decisions compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from benchmarks.quality.our_method import CleaningResult
from conf.settings import DecideSettings
from jobs.cleaning.steps.calibrate import fit_calibration
from jobs.cleaning.steps.trust import apply_trust, fit_trust
from schemas.arrays import Bools, Floats, Ints
from training.claims import lower_claims

_BINS = 10
_REVIEWED, _AUDITED = 0.1, 400
_EPSILON = 1e-6
"""Posteriors are clipped to this distance from 0 and 1."""


@dataclass(frozen=True)
class Metrics:
    """Shares of the listings, 0 to 1.

    Attributes:
        before: wrong sellers' labels.
        accuracy: right categories of the classifier alone.
        best_guess: wrong if every listing gets its most probable category.
        corrected: wrong after automatic corrections alone.
        precision: right corrections among the corrections; None if there are none.
        reviewed: wrong by the best guess after people have decided the least certain tenth.
        claimed: the error of the best guess that the posterior expects.
        calibration: expected calibration error of the confidence over ten bins of equal size.
        audited_best_guess: as `best_guess`, for the other listings after people have decided 400 random ones.
        audited_claimed, audited_calibration: as `claimed` and `calibration`, for these other listings.
    """

    before: float
    accuracy: float
    best_guess: float
    corrected: float
    precision: float | None
    reviewed: float
    claimed: float
    calibration: float
    audited_best_guess: float
    audited_claimed: float
    audited_calibration: float


def measure(result: CleaningResult, labels: Ints, truth: Ints, rules: DecideSettings) -> Metrics:
    """Measure the decisions that follow from a posterior.

    Args:
        result: the result of our method.
        labels, truth: shape (n,).
        rules: the settings for corrections.
    """
    classifier, posterior = result.classifier, result.posterior
    best, confidence = posterior.argmax(axis=1), posterior.max(axis=1)
    confidence = np.where(best == labels, lower_claims(confidence, result.claim_slope), confidence)
    right = best == truth
    fixed = _corrected(best, confidence, labels, rules)
    final = np.where(fixed, best, labels)
    order = confidence.argsort(kind="stable")
    audited, audited_right = _audit(classifier, posterior, labels, truth)
    return Metrics(
        before=float((labels != truth).mean()),
        accuracy=float((classifier.argmax(axis=1) == truth).mean()),
        best_guess=float(1 - right.mean()),
        corrected=float((final != truth).mean()),
        precision=float(right[fixed].mean()) if fixed.any() else None,
        reviewed=float((~right[order[int(_REVIEWED * len(truth)) :]]).sum() / len(truth)),
        claimed=float(1 - confidence.mean()),
        calibration=_calibration_error(confidence, right),
        audited_best_guess=float(1 - audited_right.mean()),
        audited_claimed=float(1 - audited.mean()),
        audited_calibration=_calibration_error(audited, audited_right),
    )


def _audit(classifier: Floats, posterior: Floats, labels: Ints, truth: Ints) -> tuple[Floats, Bools]:
    """Confidence and correctness of the best guess after an audit, for the listings outside the audit sample."""
    drawn = np.random.default_rng(0).permutation(len(labels))
    seen, others = np.split(drawn, [min(_AUDITED, len(labels) // 2)])
    rows = np.arange(len(labels))
    label, support = posterior[rows, labels], np.exp(classifier[rows, labels])
    found = apply_trust(label, support, fit_trust(label[seen], support[seen], (labels == truth)[seen]))
    posterior = posterior * ((1 - found) / np.maximum(1 - label, _EPSILON))[:, None]
    posterior[rows, labels] = found
    confidence, right = posterior.max(axis=1), posterior.argmax(axis=1) == truth
    calibration = fit_calibration(confidence[seen], right[seen])
    bounded = np.clip(confidence[others], _EPSILON, 1 - _EPSILON)
    return np.asarray(expit(calibration.slope * logit(bounded) + calibration.offset)), right[others]


def _calibration_error(confidence: Floats, right: Bools) -> float:
    bins = [rows for rows in np.array_split(confidence.argsort(kind="stable"), _BINS) if len(rows)]
    return float(sum(len(rows) * abs(confidence[rows].mean() - right[rows].mean()) for rows in bins) / len(right))


def error_of(issues: Bools, predicted: Ints, labels: Ints, truth: Ints) -> float:
    """The share of wrong listings after each label in `issues` is replaced by the classifier's category."""
    return float((np.where(issues, predicted, labels) != truth).mean())


def corrected_labels(posterior: Floats, labels: Ints, rules: DecideSettings) -> Ints:
    """The labels after automatic corrections, shape (n,); arguments as for `measure`."""
    best = posterior.argmax(axis=1)
    return np.where(_corrected(best, posterior.max(axis=1), labels, rules), best, labels)


def _corrected(best: Ints, confidence: Floats, labels: Ints, rules: DecideSettings) -> Bools:
    """The labels that are corrected, by the rule of the nightly run.

    These are the most certain ones whose mean posterior is high enough, into categories with enough listings.
    """
    common = np.bincount(labels, minlength=int(best.max()) + 1)[best] >= rules.correction_min_listings
    other = (best != labels) & common
    ranked = np.sort(confidence[other])[::-1]
    enough = np.cumsum(ranked) / np.arange(1, len(ranked) + 1) >= rules.correction_precision
    if not enough.any():
        return np.zeros(len(labels), np.bool_)
    return np.asarray(other & (confidence >= ranked[np.flatnonzero(enough)[-1]]))
