"""Calibrates the posterior of labels with the answers to the audit: how far to trust content and seller.

The noise model assumes that errors do not depend on how hard a listing is to classify. If they do, a label that the
content partly supports is wrong more often than its posterior says, and labels alone cannot show this. The answers of
people about randomly drawn listings can: they fit a logistic regression of "the label is right" on the evidence from
content and seller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.stats import chi2

from schemas.arrays import Bools, Floats

_DEVIATIONS = np.array([0.5, 0.5, 2.0])
"""Standard deviations of the prior of content (mean 1), seller (mean 1) and offset (mean 0)."""
_SIGNIFICANCE = 0.01
"""Significance level of the likelihood-ratio test against the noise model."""
_EPSILON = 1e-6
"""Probabilities are clipped to this distance from 0 and 1."""
_DEFAULT = np.array([1.0, 1.0, 0.0])


@dataclass(frozen=True)
class Trust:
    """`logit P(label is right) = content · logit q(label) + seller · (logit posterior - logit q(label)) + offset`.

    q is the classifier's probability; the difference to the posterior is the evidence from the seller and the noise
    model. The default leaves the posterior unchanged.
    """

    content: float = 1.0
    seller: float = 1.0
    offset: float = 0.0

    @property
    def is_default(self) -> bool:
        """Whether the posterior of the noise model stays unchanged."""
        return self == Trust()


def fit_trust(posterior: Floats, support: Floats, right: Bools) -> Trust:
    """Fit the trust by maximum a posteriori estimation if the answers contradict the noise model; else the default.

    They contradict it if the likelihood-ratio test (Wilks, 1938) rejects it at the 1 % level. Without the test, a few
    hundred answers could make a posterior worse that is nearly right.

    Args:
        posterior: posterior of the labels, 0 to 1, shape (n,); n may be 0.
        support: q(label), 0 to 1, shape (n,).
        right: whether reviewers found the label right, shape (n,).
    """
    features = _features(posterior, support)
    sign = np.where(right, 1.0, -1.0)

    def negative_log_likelihood(x: Floats) -> float:
        return float(np.logaddexp(0.0, -sign * (features @ x)).sum())

    def loss(x: Floats) -> float:
        return negative_log_likelihood(x) + float((((x - _DEFAULT) / _DEVIATIONS) ** 2).sum()) / 2

    fitted = minimize(loss, _DEFAULT, method="L-BFGS-B").x
    gain = 2.0 * (negative_log_likelihood(_DEFAULT) - negative_log_likelihood(fitted))
    return Trust(*map(float, fitted)) if gain > chi2.isf(_SIGNIFICANCE, len(_DEFAULT)) else Trust()


def apply_trust(posterior: Floats, support: Floats, trust: Trust) -> Floats:
    """The calibrated posterior of labels, shape (n,). See `fit_trust` for the arguments."""
    if trust.is_default:
        return posterior
    margin = _features(posterior, support) @ np.array([trust.content, trust.seller, trust.offset])
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def apply_trust_column(posterior: Column, support: Column, trust: Trust) -> Column:
    """`apply_trust` for Spark columns."""
    if trust.is_default:
        return posterior
    by_content = logit_column(support)
    margin = trust.content * by_content + trust.seller * (logit_column(posterior) - by_content) + F.lit(trust.offset)
    return 1.0 / (1.0 + F.exp(-margin))


def _features(posterior: Floats, support: Floats) -> Floats:
    """The features of the regression: evidence from content, evidence from the seller, and 1; shape (n, 3)."""
    by_content = _logit(support)
    return np.stack([by_content, _logit(posterior) - by_content, np.ones(len(posterior))], axis=1)


def _logit(probability: Floats) -> Floats:
    bounded = np.clip(probability, _EPSILON, 1.0 - _EPSILON)
    return np.asarray(np.log(bounded / (1.0 - bounded)))


def logit_column(probability: Column) -> Column:
    """log(p / (1 - p)); finite, because p is clipped to a distance from 0 and 1."""
    bounded = F.greatest(F.least(probability, F.lit(1.0 - _EPSILON)), F.lit(_EPSILON))
    return F.log(bounded / (1.0 - bounded))
