"""How much the posterior may claim where every label is kept.

If the classifier is trusted so little that every label stays, the noise model takes hardly any label for wrong. The
estimated share of wrong labels then says how many are, so the claims are lowered until they leave this share.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from schemas.arrays import Floats
from schemas.estimates import ShareEstimate

_SLOPES: Floats = np.linspace(1.0, 0.2, 33)
_HALF = 0.5
_EPSILON = 1e-6
"""Probabilities are clipped to this distance from 0 and 1."""


def slope_for(confidence: Floats, share: ShareEstimate) -> float:
    """The slope at which the claims leave the estimated share of wrong labels.

    Args:
        confidence: shape (n,), the posteriors of the labels, 0 to 1.
        share: the estimated share.

    Returns:
        0.2 to 1; 1 leaves the claims as they are.
    """
    left = [float(1.0 - lower_claims(confidence, slope).mean()) for slope in _SLOPES.tolist()]
    return float(np.interp(share.value, left, _SLOPES))


def lower_claims(confidence: Floats, slope: float) -> Floats:
    """`logit(claimed) = slope * logit(confidence)`; a confidence below one half stays as it is.

    Args:
        confidence: 0 to 1, any shape.
        slope: 0 to 1.
    """
    bounded = np.clip(confidence, _EPSILON, 1.0 - _EPSILON)
    return np.asarray(np.where(confidence > _HALF, expit(slope * logit(bounded)), confidence))
