"""The posterior of every category given the seller's label and the classifier's probabilities, in NumPy.

The noise model is that of Dawid and Skene (1979) with a classifier as the second annotator (Raykar et al., JMLR 2010;
Khetan, Lipton and Anandkumar, ICLR 2018): ``P(c | x, l, s) ∝ q(c | x) · P(l | c, s)``. A seller s gives the right label
with probability ``1 - e_s``, and otherwise the label l with probability ``M[c, l]``.
"""

from __future__ import annotations

import numpy as np

from schemas.arrays import Floats, Ints


def label_likelihood(labels: Ints, error_rates: Floats, transitions: Floats) -> Floats:
    """P(label | true category, seller) for every true category.

    Args:
        labels: shape (n,), category index of each seller's label; -1 where there is none in the taxonomy.
        error_rates: shape (n,), e_s of each listing's seller, 0 to 1.
        transitions: shape (C, C), M; rows sum to 1, diagonal 0.

    Returns:
        Shape (n, C); rows of ones where there is no label.
    """
    likelihood = error_rates[:, None] * transitions.T[labels]
    rows = np.arange(len(labels))
    likelihood[rows, labels] = 1.0 - error_rates
    likelihood[labels < 0] = 1.0
    return likelihood


def posterior(log_q: Floats, labels: Ints, error_rates: Floats, transitions: Floats) -> tuple[Floats, Floats]:
    """The posterior of every category given content and label, and the likelihood of the label.

    Args:
        log_q: shape (n, C), log of the classifier's calibrated probabilities, out of sample.
        labels, error_rates, transitions: as in `label_likelihood`.

    Returns:
        The posterior, shape (n, C), rows sum to 1; and log P(l | x, s), shape (n,), 0 where there is no label.
    """
    q = np.exp(log_q - log_q.max(axis=1, keepdims=True))
    q /= q.sum(axis=1, keepdims=True)
    joint = q * label_likelihood(labels, error_rates, transitions)
    evidence = np.maximum(joint.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return joint / evidence, np.log(evidence[:, 0])
