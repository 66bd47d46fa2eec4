"""What is left wrong: decisions held against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from conf.settings import DecideSettings
from jobs.cleaning.steps.calibrate import fit_calibration
from jobs.cleaning.steps.trust import fit_trust, trusted
from schemas.arrays import Bools, Floats, Ints

_BINS = 10
_REVIEWED, _AUDITED = 0.1, 400
_EPSILON = 1e-6
"""A posterior is taken to be this far from 0 and 1."""


@dataclass(frozen=True)
class Figures:
    """Shares of the listings, 0 to 1.

    Attributes:
        before: wrong as sellers label.
        accuracy: the classifier alone is right.
        best_guess: wrong where every listing gets its likeliest category.
        corrected: wrong after automatic corrections alone.
        precision: corrections that are right; None where there are none.
        reviewed: wrong by the best guess after people have settled the tenth that is least certain.
        claimed: wrong by the best guess, as the posterior itself believes.
        calibration: mean distance of confidence and truth over ten bins of equal size.
        audited_best_guess: as `best_guess`, of the other listings once people have judged 400 drawn at random.
        audited_claimed, audited_calibration: as `claimed` and `calibration`, of those others.
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


def measure(classifier: Floats, belief: Floats, labels: Ints, truth: Ints, rules: DecideSettings) -> Figures:
    """Score decisions by a posterior.

    Args:
        classifier: shape (n, C), log q.
        belief: shape (n, C), the posterior.
        labels, truth: shape (n,).
        rules: when a correction is made.
    """
    best, confidence = belief.argmax(axis=1), belief.max(axis=1)
    right = best == truth
    fixed = _corrected(best, confidence, labels, rules)
    final = np.where(fixed, best, labels)
    order = confidence.argsort(kind="stable")
    audited, audited_right = _audit(classifier, belief, labels, truth)
    return Figures(
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


def _audit(classifier: Floats, belief: Floats, labels: Ints, truth: Ints) -> tuple[Floats, Bools]:
    """Confidence and rightness of the best guess, as an audit puts them right, of the listings that were not in it."""
    drawn = np.random.default_rng(0).permutation(len(labels))
    seen, others = np.split(drawn, [min(_AUDITED, len(labels) // 2)])
    rows = np.arange(len(labels))
    label, support = belief[rows, labels], np.exp(classifier[rows, labels])
    found = trusted(label, support, fit_trust(label[seen], support[seen], (labels == truth)[seen]))
    belief = belief * ((1 - found) / np.maximum(1 - label, _EPSILON))[:, None]
    belief[rows, labels] = found
    confidence, right = belief.max(axis=1), belief.argmax(axis=1) == truth
    calibration = fit_calibration(confidence[seen], right[seen])
    bounded = np.clip(confidence[others], _EPSILON, 1 - _EPSILON)
    return np.asarray(expit(calibration.slope * logit(bounded) + calibration.offset)), right[others]


def _calibration_error(confidence: Floats, right: Bools) -> float:
    bins = [rows for rows in np.array_split(confidence.argsort(kind="stable"), _BINS) if len(rows)]
    return float(sum(len(rows) * abs(confidence[rows].mean() - right[rows].mean()) for rows in bins) / len(right))


def error_of(found: Bools, predicted: Ints, labels: Ints, truth: Ints) -> float:
    """What is wrong after the classifier's category has been put in the place of each label that was found wrong."""
    return float((np.where(found, predicted, labels) != truth).mean())


def _corrected(best: Ints, confidence: Floats, labels: Ints, rules: DecideSettings) -> Bools:
    """Labels that are put right, by the nightly run's rule.

    They are the surest whose mean posterior is high enough, into categories that are common enough.
    """
    common = np.bincount(labels, minlength=int(best.max()) + 1)[best] >= rules.correction_min_listings
    other = (best != labels) & common
    ranked = np.sort(confidence[other])[::-1]
    enough = np.cumsum(ranked) / np.arange(1, len(ranked) + 1) >= rules.correction_precision
    if not enough.any():
        return np.zeros(len(labels), np.bool_)
    return np.asarray(other & (confidence >= ranked[np.flatnonzero(enough)[-1]]))
