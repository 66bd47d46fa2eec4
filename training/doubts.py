"""Listings about whose category two people differ: neither answer is a certain label, but both say something.

How probable each answer is follows from how often the people who gave them are wrong (`udfs.reviewer_errors`). The
second pass takes these probabilities, multiplied by those of the listing's text and label, as the listing's soft label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.arrays import Floats, Ints
from training.examples import listing_key
from udfs.reviewer_errors import estimate_errors


@dataclass(frozen=True)
class Doubts:
    """Answers that differ, one entry per listing and answer, sorted by listing.

    Attributes:
        keys: int64, shape (m,), ascending, the hash of the listing's id.
        categories: int64, shape (m,), category index of the answer.
        shares: float64, shape (m,), the probability that the answer is right, 0 to 1. What a listing's answers lack to
            1 is the probability of all other categories together.
    """

    keys: Ints
    categories: Ints
    shares: Floats

    def weigh(self, posteriors: NDArray[np.float32], keys: Ints) -> None:
        """Multiply posteriors by what people say; in place, rows sum to 1 again.

        Args:
            posteriors: shape (n, C), rows sum to 1.
            keys: int64, shape (n,), the hash of each listing's id.
        """
        starts, ends = np.searchsorted(self.keys, keys, "left"), np.searchsorted(self.keys, keys, "right")
        for row in np.flatnonzero(ends > starts):
            given = slice(starts[row], ends[row])
            others = posteriors.shape[1] - (ends[row] - starts[row])
            likelihood = np.full(posteriors.shape[1], max(1.0 - self.shares[given].sum(), 0.0) / max(others, 1))
            likelihood[self.categories[given]] = self.shares[given]
            weighed = posteriors[row] * likelihood
            # Where text and label rule out all that people say, people are believed.
            weighed = weighed if weighed.sum() > 0.0 else likelihood
            posteriors[row] = weighed / weighed.sum()


NO_DOUBTS = Doubts(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def read_doubts(listings: DataFrame, categories: Sequence[str]) -> Doubts:
    """The listings about which two people differ. Collects what has a second opinion, not the catalogue.

    Args:
        listings: listing_id, decided_category (null where no person has decided, or people differ), and
            answers_to_both, an array of structs (reviewer, category), null without a second opinion.
        categories: category names; the position is the index.
    """
    asked = listings.where("answers_to_both IS NOT NULL").select(
        listing_key().alias("key"), F.col("decided_category").isNotNull().alias("is_decided"), "answers_to_both"
    )
    answers, undecided = [], set()
    for row in asked.toLocalIterator():
        answers += [(str(row.key), each.reviewer, each.category) for each in row.answers_to_both]
        if not row.is_decided:
            undecided.add(str(row.key))
    found = estimate_errors(answers, len(categories)).items
    return make_doubts({int(key): shares for key, shares in found.items() if key in undecided}, categories)


def make_doubts(answers: Mapping[int, Mapping[str, float]], categories: Sequence[str]) -> Doubts:
    """Doubts from the hash of a listing's id -> category -> probability.

    Categories that the taxonomy no longer has are left out.
    """
    index = {name: place for place, name in enumerate(categories)}
    rows = [
        (key, index[name], share)
        for key, shares in sorted(answers.items())
        for name, share in shares.items()
        if name in index
    ]
    keys, places, values = zip(*rows, strict=True) if rows else ((), (), ())
    return Doubts(np.array(keys, np.int64), np.array(places, np.int64), np.array(values, np.float64))
