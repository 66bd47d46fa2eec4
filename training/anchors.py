"""Estimate the sellers' error rate and the classifier's temperature from its most confident predictions.

With one label per listing, the likelihood cannot separate sellers' errors from the classifier's: sharp probabilities
with many label errors explain the labels as well as flat probabilities with few.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from schemas.arrays import Floats, Ints

_ANCHOR_CONFIDENCE = 0.8
"""A listing is an anchor if its most probable category has at least this probability."""
_MIN_ANCHOR_SHARE = 0.1
"""At least this share of the listings are anchors: the most confident ones."""
_DISAGREEMENT_WEIGHT, _SCARCITY_WEIGHT = 0.5, 2.0
"""Weights of the two terms in `estimate_temperature`."""


def anchor_error_rate(log_q: Floats, labels: Ints, truths: Ints) -> float:
    """Estimate the sellers' overall error rate: how often labels disagree with the classifier where it is confident.

    There the classifier is rarely wrong, so a disagreement counts as the seller's error (anchor points: Liu and Tao,
    2016; Patrini et al., 2017). If errors fall mostly on ambiguous listings, the estimate is too low, which is the safe
    side. The bias shrinks as more listings are anchors.

    Args:
        log_q: shape (n, C), out of sample; n > 0.
        labels: shape (n,), all >= 0.
        truths: shape (n,), the category that a person has decided, -1 where nobody has.

    Returns:
        Between 0 and 1, both excluded.
    """
    confidence = log_q.max(axis=1)
    anchors = max(int((confidence >= np.log(_ANCHOR_CONFIDENCE)).sum()), round(_MIN_ANCHOR_SHARE * len(labels)), 1)
    most_confident = np.argsort(-confidence, kind="stable")[:anchors]
    expected = np.where(truths >= 0, truths, log_q.argmax(axis=1))
    return float(((expected != labels)[most_confident].sum() + 0.5) / (len(most_confident) + 1.0))


def estimate_temperature(log_q: Floats, labels: Ints, posteriors: Floats) -> float:
    """Estimate the temperature that offsets the overconfidence of maximum-likelihood branch weights.

    Where classifier and label disagree, one of them is wrong, but the likelihood of one label per listing hardly shows
    which: it counts the classifier's confident mistakes as sellers' errors. Such mistakes are common when there are few
    listings per category, and matter most when sellers are rarely wrong. The temperature is 1 plus

    - half the share of disagreements in which the posterior blames the classifier, and
    - twice the square root of (perplexity of the labels / number of listings).

    Args:
        log_q: shape (n, C), under the maximum-likelihood weights.
        labels: shape (n,), all >= 0.
        posteriors: shape (n, C).

    Returns:
        The temperature by which to divide the weights, at least 1; 1 if there are no labels.
    """
    if not len(labels):
        return 1.0
    best = log_q.argmax(axis=1)
    disagree = np.flatnonzero(best != labels)
    classifier_wrong = float(1.0 - posteriors[disagree, best[disagree]].mean()) if len(disagree) else 0.0
    share = np.bincount(labels, minlength=log_q.shape[1]) / len(labels)
    perplexity = float(np.exp(entr(share).sum()))
    return float(1.0 + _DISAGREEMENT_WEIGHT * classifier_wrong + _SCARCITY_WEIGHT * np.sqrt(perplexity / len(labels)))
