from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from schemas.estimates import ShareEstimate
from training.claims import lower_claims, slope_for


def test_the_claims_leave_the_estimated_share() -> None:
    confidence = np.random.default_rng(0).uniform(0.95, 1.0, 1000)
    slope = slope_for(confidence, ShareEstimate(0.05, 0.01))
    assert 0.2 < slope < 1.0
    assert 1.0 - lower_claims(confidence, slope).mean() == pytest.approx(0.05, abs=0.002)
    assert slope_for(confidence, ShareEstimate(0.001, 0.001)) == 1.0
    assert slope_for(confidence, ShareEstimate(0.49, 0.01)) == pytest.approx(0.2)


def test_lower_claims_keep_the_order_and_never_rise() -> None:
    confidence = np.array([0.0, 0.3, 0.5, 0.7, 0.9, 1.0])
    lowered = lower_claims(confidence, 0.5)
    assert (lowered[:3] == confidence[:3]).all()
    assert lowered[3:5] == pytest.approx(expit(0.5 * logit(confidence[3:5])))
    assert 0.99 < lowered[5] < 1.0
    assert (np.diff(lowered) > 0).all()
