"""What the audit teaches about the labels themselves: how far content and seller may be believed of them.

The noise model takes it that errors do not look for listings that are hard to tell. Where they do, a label which
the content half bears out is wrong far more often than it says, and one label a listing does not show it: only people
do. Their answers about listings drawn at random fit a logistic regression of "the label is right" on its two grounds.
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
"""Of the prior: how far from 1, 1 and 0 content, seller and offset are expected to be."""
_SIGNIFICANCE = 0.01
"""Answers that chance brings forth this often leave everything as it is."""
_EPSILON = 1e-6
"""A probability is taken to be this far from 0 and 1."""
_AS_LEARNT = np.array([1.0, 1.0, 0.0])


@dataclass(frozen=True)
class Trust:
    """`logit P(label is right) = content · logit q(label) + seller · (logit posterior - logit q(label)) + offset`.

    q is the classifier's; what the posterior adds to it is what is known of the seller and of where errors go.
    """

    content: float = 1.0
    seller: float = 1.0
    offset: float = 0.0

    @property
    def as_learnt(self) -> bool:
        """Whether the posterior stays as the noise model has it."""
        return self == Trust()


def fit_trust(posterior: Floats, support: Floats, right: Bools) -> Trust:
    """The likeliest trust under a prior that believes the noise model, if the answers contradict it.

    They do where the likelihood ratio (Wilks, 1938) is one that chance reaches once in a hundred audits: else a few
    hundred answers would lead a posterior that is nearly right astray.

    Args:
        posterior: shape (n,), of the labels, 0 to 1; n may be 0.
        support: shape (n,), q(label), 0 to 1.
        right: shape (n,), whether people have found the label right.
    """
    grounds = _grounds(posterior, support)
    sign = np.where(right, 1.0, -1.0)

    def surprise(x: Floats) -> float:
        return float(np.logaddexp(0.0, -sign * (grounds @ x)).sum())

    def loss(x: Floats) -> float:
        return surprise(x) + float((((x - _AS_LEARNT) / _DEVIATIONS) ** 2).sum()) / 2

    found = minimize(loss, _AS_LEARNT, method="L-BFGS-B").x
    gain = 2.0 * (surprise(_AS_LEARNT) - surprise(found))
    return Trust(*map(float, found)) if gain > chi2.isf(_SIGNIFICANCE, len(_AS_LEARNT)) else Trust()


def trusted(posterior: Floats, support: Floats, trust: Trust) -> Floats:
    """The posterior of labels, shape (n,), under this trust; arguments as for `fit_trust`."""
    if trust.as_learnt:
        return posterior
    margin = _grounds(posterior, support) @ np.array([trust.content, trust.seller, trust.offset])
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def trusted_column(posterior: Column, support: Column, trust: Trust) -> Column:
    """`trusted` for Spark."""
    if trust.as_learnt:
        return posterior
    by_content = _logit_column(support)
    margin = trust.content * by_content + trust.seller * (_logit_column(posterior) - by_content) + F.lit(trust.offset)
    return 1.0 / (1.0 + F.exp(-margin))


def _grounds(posterior: Floats, support: Floats) -> Floats:
    """What speaks for the labels: content, seller and 1, shape (n, 3)."""
    by_content = _logit(support)
    return np.stack([by_content, _logit(posterior) - by_content, np.ones(len(posterior))], axis=1)


def _logit(probability: Floats) -> Floats:
    bounded = np.clip(probability, _EPSILON, 1.0 - _EPSILON)
    return np.asarray(np.log(bounded / (1.0 - bounded)))


def _logit_column(probability: Column) -> Column:
    bounded = F.greatest(F.least(probability, F.lit(1.0 - _EPSILON)), F.lit(_EPSILON))
    return F.log(bounded / (1.0 - bounded))
