"""Label noise: new sellers' labels, made from the truth."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.catalogue import Catalogue, Random
from schemas.arrays import Bools, Floats, Ints

_SIBLING, _DEPARTMENT = 0.6, 0.85
"""Cumulative shares of errors that are a sibling, and another category of the department; the rest is any category."""
_BETA = 0.6
"""First parameter of the beta distribution of sellers' error rates: most sellers are careful, some very careless."""
_CHOSEN = 0.8
"""The share of the most ambiguous listings that get the category the classifier predicts."""
_RATE = 0.22
_BACKGROUND = 0.05


def careless_sellers(catalogue: Catalogue, rate: float, random: Random) -> Ints:
    """Every seller has an error rate; their mean is `rate`."""
    sellers, codes = np.unique([seller or "" for seller in catalogue.sellers], return_inverse=True)
    rates = random.beta(_BETA, _BETA * (1 - rate) / rate, len(sellers))
    return _wrong_where(random.random(len(catalogue)) < rates[codes], catalogue, random)


def uniform_errors(catalogue: Catalogue, rate: float, random: Random) -> Ints:
    """Every label is wrong with the same probability."""
    return _wrong_where(random.random(len(catalogue)) < rate, catalogue, random)


def one_careless_seller(catalogue: Catalogue, random: Random) -> Ints:
    """One large seller has 90 % wrong labels, all other sellers none."""
    sellers, counts = np.unique([seller or "" for seller in catalogue.sellers], return_counts=True)
    named = sellers != ""
    careless = sellers[named][counts[named].argsort(kind="stable")[-4]]
    wrong = (catalogue.sellers == careless) & (random.random(len(catalogue)) < 0.9)
    return _wrong_where(wrong, catalogue, random)


def ambiguous_errors(catalogue: Catalogue, log_q: Floats, share: float, random: Random, rate: float = _RATE) -> Ints:
    """A share of the errors is on listings that a classifier confuses; they get the category that it predicts.

    Args:
        catalogue: the listings.
        log_q: shape (n, C), out-of-sample log-probabilities of a classifier trained on the truth.
        share: of all errors, 0 to 1; the others are on any listing.
        random: the random generator.
        rate: the share of wrong labels.
    """
    rows, truth = np.arange(len(catalogue)), catalogue.truth
    order = log_q.argsort(axis=1, kind="stable")
    lookalike = np.where(order[:, -1] == truth, order[:, -2], order[:, -1])
    count = int(rate * share * len(catalogue))
    likely = log_q[rows, truth].argsort(kind="stable")[: int(count / _CHOSEN)]
    chosen = random.choice(likely, count, replace=False)
    labels = uniform_errors(catalogue, max(rate * (1 - share), 1e-9), random)
    labels[chosen] = lookalike[chosen]
    return labels


def renamed_categories(catalogue: Catalogue, share_of_sellers: float, random: Random) -> Ints:
    """All or some sellers use a sibling's name for three large categories; there are few other errors."""
    size = np.bincount(catalogue.truth, minlength=len(catalogue.categories))
    labels = uniform_errors(catalogue, _BACKGROUND, random)
    sellers, codes = np.unique([seller or "" for seller in catalogue.sellers], return_inverse=True)
    renaming = (random.random(len(sellers)) < share_of_sellers)[codes]
    used: set[int] = set()
    for category in size.argsort(kind="stable")[::-1]:
        siblings = [s for s in np.flatnonzero(catalogue.distances[category] == 1) if s not in used]
        if category not in used and siblings and len(used) < 6:
            alias = max(siblings, key=lambda s: size[s])
            used |= {int(category), int(alias)}
            labels[(catalogue.truth == category) & renaming] = alias
    return labels


def _wrong_where(wrong: Bools, catalogue: Catalogue, random: Random) -> Ints:
    labels = catalogue.truth.copy()
    # Labels can only be categories that occur in the catalogue.
    occurs = np.bincount(catalogue.truth, minlength=len(catalogue.categories)) > 0
    for row in np.flatnonzero(wrong):
        level, draw = catalogue.distances[labels[row]], random.random()
        farthest = 1 if draw < _SIBLING else 2 if draw < _DEPARTMENT else 3
        near = np.flatnonzero(occurs & (level >= 1) & (level <= farthest))
        near = near if len(near) else np.flatnonzero(occurs & (level >= 1))
        labels[row] = random.choice(near)
    return labels
