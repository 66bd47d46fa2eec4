"""Calibrate the branch weights by maximum likelihood of the given labels; no ground truth is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from schemas.arrays import Floats


def fit_weights(branches: Sequence[Floats], likelihood: Floats, start: Sequence[float]) -> tuple[float, ...]:
    """Fit the exponents of the branches by maximum likelihood of the labels: `max Σ log Σ_c q(c) P(l | c, s)`.

    Args:
        branches: log-probabilities, shape (n, C) each.
        likelihood: P(l | c, s) of each row's label for every true category, shape (n, C)
            (`udfs.posterior.label_likelihood`), under a noise model that was fitted without the row.
        start: the initial weight of each branch.

    Returns:
        The weight of each branch, 0 to 5.
    """
    stacked = np.stack(branches)

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = np.tensordot(weights, stacked, axes=1)
        q = np.exp(scores - scores.max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        joint = q * likelihood
        evidence = np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
        # d/dw log Σ q P = Σ_c (posterior - q) log p
        gradient = np.tensordot(stacked, joint / evidence - q, axes=([1, 2], [0, 1]))
        return -float(np.log(evidence).mean()), -np.asarray(gradient) / len(likelihood)

    found = minimize(
        loss, np.asarray(start, np.float64), jac=True, method="L-BFGS-B", bounds=[(0.0, 5.0)] * len(branches)
    )
    return tuple(float(w) for w in found.x)
