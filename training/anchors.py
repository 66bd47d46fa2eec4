"""How far the classifier may be trusted: what the labels alone cannot tell, asked of the listings it is surest of.

Out-of-sample probabilities and one label a listing do not say whether a disagreement is the seller's error or the
classifier's: sharper probabilities with more errors explain the labels as well as flatter ones with fewer.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from schemas.arrays import Floats, Ints

_SURE = 0.8
"""Probability of the likeliest category from which a listing is an anchor."""
_SUREST = 0.1
"""Share of the listings that are anchors, at least."""
_BLAMED, _SCARCE = 0.5, 2.0
"""What the share of disagreements that are put down to the classifier, and the scarcity of listings, weigh in
`estimate_temperature`."""


def anchor_error_rate(log_q: Floats, labels: Ints, truths: Ints) -> float:
    """The sellers' overall error rate: how often they disagree with the classifier where it is sure.

    There it is hardly ever wrong, so that a disagreement is the seller's error (anchor points: Liu and Tao, 2016;
    Patrini et al., 2017). Where errors fall on ambiguous listings it is too low, and so on the side of caution: the
    less so, the more listings are anchors.

    Args:
        log_q: shape (n, C), out of sample; n > 0.
        labels: shape (n,), all >= 0.
        truths: shape (n,), what a person has decided, -1 where nobody has.

    Returns:
        Between 0 and 1, both excluded.
    """
    sureness = log_q.max(axis=1)
    anchors = max(int((sureness >= np.log(_SURE)).sum()), round(_SUREST * len(labels)), 1)
    surest = np.argsort(-sureness, kind="stable")[:anchors]
    right = np.where(truths >= 0, truths, log_q.argmax(axis=1))
    return float(((right != labels)[surest].sum() + 0.5) / (len(surest) + 1.0))


def estimate_temperature(log_q: Floats, labels: Ints, posteriors: Floats) -> float:
    """By how much to lower the exponents below the likeliest ones, as a margin while no person has been asked.

    Where classifier and label disagree, one of the two is wrong, and the likelihood of one label a listing hardly
    tells which: it takes the classifier's confident mistakes for sellers' errors. They are many where there are few
    listings a category, and weigh most where sellers are seldom wrong. So the exponents give way by

    - half the share of the disagreements in which the fit itself believes the classifier wrong, and
    - twice the root of categories (their perplexity) over listings.

    Args:
        log_q: shape (n, C), under the likeliest exponents.
        labels: shape (n,), all >= 0.
        posteriors: shape (n, C), the posterior.

    Returns:
        A divisor of the exponents, at least 1; 1 where nothing is known.
    """
    if not len(labels):
        return 1.0
    best = log_q.argmax(axis=1)
    apart = np.flatnonzero(best != labels)
    blamed = float(1.0 - posteriors[apart, best[apart]].mean()) if len(apart) else 0.0
    share = np.bincount(labels, minlength=log_q.shape[1]) / len(labels)
    perplexity = float(np.exp(entr(share).sum()))
    return float(1.0 + _BLAMED * blamed + _SCARCE * np.sqrt(perplexity / len(labels)))
