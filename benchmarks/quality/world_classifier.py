"""The text classifier of the worlds: TF-IDF of words and character n-grams with logistic regression."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.quality.catalogue import Catalogue
from schemas.arrays import Bools, Floats, Floats32, Ints
from training.error_share import PairCounts
from udfs.near_duplicates import normalized_title

_C, _STEPS, _TOLERANCE = 2.0, 40, 1e-3
_FLOOR = 1e-7
_MAX_GROUP = 8
"""Pairs are made of this many listings of a group at most."""
_MIN_TITLE = 3
"""Shorter titles, in characters, do not form groups."""


def text_groups(titles: NDArray[np.object_], descriptions: NDArray[np.object_] | None = None) -> Ints:
    """The group of listings with the same normalised title, and description if given; shape (n,)."""
    keys = []
    for row, title in enumerate(titles):
        plain = normalized_title(title or "")
        more = f"|{normalized_title(descriptions[row] or '')}" if descriptions is not None else ""
        keys.append(f"{plain}{more}" if len(plain) >= _MIN_TITLE else f"#{row}")
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def count_pairs(labels: Ints, texts: Ints, sellers: Ints, ancestors: Bools | None = None) -> PairCounts:
    """As `training.twins.count_twins`, of arrays of shape (n,); `texts` as `text_groups`, `sellers` -1 if unknown."""
    different = ~np.eye(int(labels.max()) + 1, dtype=np.bool_) if ancestors is None else ~(ancestors | ancestors.T)
    np.fill_diagonal(different, False)
    order = np.argsort(texts, kind="stable")
    found = []
    for group in np.split(order, np.flatnonzero(np.diff(texts[order])) + 1):
        pairs = [
            different[labels[one], labels[other]]
            for one, other in combinations(group[:_MAX_GROUP].tolist(), 2)
            if sellers[one] != sellers[other] or sellers[one] < 0
        ]
        found.append((len(pairs), sum(pairs)))
    p, d = np.array(found, np.int64).T
    return PairCounts(*(int(each.sum()) for each in (p, d, p * p, d * d, p * d)))


def vectorize(catalogue: Catalogue) -> sparse.csr_matrix:
    """TF-IDF features, a sparse matrix of shape (n, V)."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), min_df=3, sublinear_tf=True, dtype=np.float32)
    titles = [title or "" for title in catalogue.titles]
    texts = [f"{title} . {more or ''}" for title, more in zip(titles, catalogue.descriptions, strict=True)]
    parts = [words.fit_transform(texts), np.float32(0.7) * characters.fit_transform(titles)]
    return sparse.hstack(parts).tocsr()


def out_of_sample(features: sparse.csr_matrix, labels: Ints, folds: Ints, categories: int) -> Floats32:
    """Log-probabilities, shape (n, C), each row by a classifier that was trained on the other folds."""
    found = np.empty((len(labels), categories), np.float32)
    for fold in np.unique(folds):
        own = folds == fold
        found[own] = _fit(features, labels, np.flatnonzero(~own), np.flatnonzero(own), categories)
    return found


def disagreement_of_parts(features: sparse.csr_matrix, labels: Ints, parts: Ints, ancestors: Bools) -> Floats:
    """How many of the classifiers trained on one other part disagree with each label, as a share; shape (n,).

    A category does not disagree with its ancestors and descendants.
    """
    wrong, related = np.zeros(len(labels)), ancestors | ancestors.T
    count = 0
    for own in _each(parts):
        rest = np.flatnonzero(~own)
        predicted = _fit(features, labels, np.flatnonzero(own), rest, len(ancestors)).argmax(axis=1)
        wrong[rest] += (predicted != labels[rest]) & ~related[labels[rest], predicted]
        count += 1
    return wrong / max(count - 1, 1)


def _each(parts: Ints) -> Iterator[Bools]:
    return (parts == part for part in np.unique(parts))


def _fit(features: sparse.csr_matrix, labels: Ints, train: Ints, test: Ints, categories: int) -> Floats32:
    found = np.full((len(test), categories), _FLOOR)
    if len(np.unique(labels[train])) == 1:
        found[:, labels[train][0]] = 1.0
    else:
        model = LogisticRegression(C=_C, max_iter=_STEPS, tol=_TOLERANCE)
        model.fit(features[train], labels[train])
        found[:, model.classes_] = np.maximum(model.predict_proba(features[test]), _FLOOR)
    return np.asarray(np.log(found / found.sum(axis=1, keepdims=True)), dtype=np.float32)
