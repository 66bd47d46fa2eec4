"""Kinds of noise: sellers' labels made anew from the truth."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.catalogue import Catalogue, Random
from schemas.arrays import Bools, Floats, Ints

_SIBLING, _KIN = 0.6, 0.85
"""Errors go to a sibling up to the first share, within the department up to the second, else anywhere."""
_SPREAD = 0.6
"""First parameter of the beta distribution of sellers' error rates: most are careful, some are very careless."""
_AMONG = 0.8
"""Share of the most ambiguous listings that are given the category they look like."""
_RATE = 0.22
_BACKGROUND = 0.05


def careless_sellers(catalogue: Catalogue, rate: float, random: Random) -> Ints:
    """Every seller errs at a rate of their own, `rate` on average."""
    sellers, codes = np.unique([seller or "" for seller in catalogue.sellers], return_inverse=True)
    rates = random.beta(_SPREAD, _SPREAD * (1 - rate) / rate, len(sellers))
    return _wrong_where(random.random(len(catalogue)) < rates[codes], catalogue, random)


def anywhere(catalogue: Catalogue, rate: float, random: Random) -> Ints:
    """Every label is wrong with the same chance."""
    return _wrong_where(random.random(len(catalogue)) < rate, catalogue, random)


def one_seller(catalogue: Catalogue, random: Random) -> Ints:
    """One of the largest sellers gets nine in ten wrong, nobody else any."""
    sellers, counts = np.unique([seller or "" for seller in catalogue.sellers], return_counts=True)
    named = sellers != ""
    careless = sellers[named][counts[named].argsort(kind="stable")[-4]]
    wrong = (catalogue.sellers == careless) & (random.random(len(catalogue)) < 0.9)
    return _wrong_where(wrong, catalogue, random)


def ambiguous(catalogue: Catalogue, judged: Floats, share: float, random: Random) -> Ints:
    """A share of the errors fall on listings whose text a classifier takes for the wrong category, and are that one.

    Args:
        catalogue: the listings.
        judged: shape (n, C), out-of-sample log-probabilities of a classifier that was taught the truth.
        share: of all errors, 0 to 1; the others fall anywhere.
        random: draws.
    """
    rows, truth = np.arange(len(catalogue)), catalogue.truth
    order = judged.argsort(axis=1, kind="stable")
    looks = np.where(order[:, -1] == truth, order[:, -2], order[:, -1])
    count = int(_RATE * share * len(catalogue))
    likely = judged[rows, truth].argsort(kind="stable")[: int(count / _AMONG)]
    chosen = random.choice(likely, count, replace=False)
    labels = anywhere(catalogue, max(_RATE * (1 - share), 1e-9), random)
    labels[chosen] = looks[chosen]
    return labels


def pairs(catalogue: Catalogue, share_of_sellers: float, random: Random) -> Ints:
    """Three large categories are each called by a sibling's name, by all sellers or by some; few other errors."""
    size = np.bincount(catalogue.truth, minlength=len(catalogue.categories))
    labels = anywhere(catalogue, _BACKGROUND, random)
    sellers, codes = np.unique([seller or "" for seller in catalogue.sellers], return_inverse=True)
    theirs = (random.random(len(sellers)) < share_of_sellers)[codes]
    used: set[int] = set()
    for category in size.argsort(kind="stable")[::-1]:
        siblings = [s for s in np.flatnonzero(catalogue.distances[category] == 1) if s not in used]
        if category not in used and siblings and len(used) < 6:
            called = max(siblings, key=lambda s: size[s])
            used |= {int(category), int(called)}
            labels[(catalogue.truth == category) & theirs] = called
    return labels


def _wrong_where(wrong: Bools, catalogue: Catalogue, random: Random) -> Ints:
    labels = catalogue.truth.copy()
    # Only categories that occur in the catalogue are mistaken for each other.
    occurs = np.bincount(catalogue.truth, minlength=len(catalogue.categories)) > 0
    for row in np.flatnonzero(wrong):
        level, draw = catalogue.distances[labels[row]], random.random()
        farthest = 1 if draw < _SIBLING else 2 if draw < _KIN else 3
        near = np.flatnonzero(occurs & (level >= 1) & (level <= farthest))
        near = near if len(near) else np.flatnonzero(occurs & (level >= 1))
        labels[row] = random.choice(near)
    return labels
