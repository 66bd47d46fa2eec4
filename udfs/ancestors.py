"""Categories that are ancestors of each other are no rivals: a listing may be labelled at any depth of the taxonomy.

A label that is an ancestor of the true category is not wrong, only less specific. Therefore:

* what the classifier gives to an ancestor may belong to any of its descendants. It is shared among the ancestor and its
  descendants in proportion to their own probabilities (`share_ancestors`);
* what it gives to ancestors and descendants of a listing's label counts for the label (`fold_related`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np

from schemas.arrays import Bools, Floats, Floats32, Ints

_F = TypeVar("_F", Floats, Floats32)

_SEPARATOR = re.compile(r"\s*>+\s*|\s+[|/]\s+")
"""Between the parts of a category that is a path: "Clothing > Tops". Without spaces, | and / are part of a name, as in
"Men/Women"."""
_MIN_PROBABILITY = 1e-12


def ancestor_matrix(categories: Sequence[str], parents: Sequence[str | None]) -> Bools:
    """Which categories are ancestors of which, by `parent` or by path.

    Args:
        categories: C codes.
        parents: C parents; only a parent that is a category itself counts. Cycles are cut.

    Returns:
        Shape (C, C): [a, c] is true if a is an ancestor of c, and not c itself.
    """
    index = {category: i for i, category in enumerate(categories)}
    by_path = {tuple(_SEPARATOR.split(category)): i for i, category in enumerate(categories)}
    found = np.zeros((len(categories), len(categories)), np.bool_)
    for i, category in enumerate(categories):
        parts = _SEPARATOR.split(category)
        above = [index.get(parents[i] or ""), *(by_path.get(tuple(parts[:length])) for length in range(1, len(parts)))]
        found[[ancestor for ancestor in above if ancestor is not None], i] = True
    # An ancestor of an ancestor is an ancestor, whether found by parent or by path.
    counted = -1
    while found.sum() > counted:
        counted = found.sum()
        found |= found.astype(np.float32) @ found.astype(np.float32) > 0
    found &= ~found.T  # in a cycle, everything would be an ancestor of everything
    np.fill_diagonal(found, False)
    return found


def resolve_ancestors(probabilities: Floats, labels: Ints, ancestors: Bools) -> Floats:
    """`share_ancestors`, then `fold_related`; the same array if no category is an ancestor of another."""
    if not ancestors.any():
        return probabilities
    return fold_related(share_ancestors(probabilities, ancestors), labels, ancestors)


def resolve_log(log_probabilities: _F, labels: Ints, ancestors: Bools) -> _F:
    """`resolve_ancestors` of log-probabilities; impossible categories get a very small probability."""
    if not ancestors.any():
        return log_probabilities
    resolved = resolve_ancestors(np.exp(log_probabilities.astype(np.float64)), labels, ancestors)
    return cast("_F", np.log(np.maximum(resolved, _MIN_PROBABILITY)).astype(log_probabilities.dtype))


def same_if_related(categories: Ints, labels: Ints, ancestors: Bools) -> Ints:
    """The label where a category is its ancestor or descendant, else the category, shape (n,); -1 stays -1."""
    related = (ancestors | ancestors.T)[labels, categories] & (categories >= 0)
    return np.where(related, labels, categories)


def family_confidence(log_probabilities: Floats32, ancestors: Bools) -> Floats:
    """The probability of the likeliest category with its ancestors and descendants, shape (n,); NaN rows stay NaN."""
    shared = share_ancestors(np.exp(log_probabilities.astype(np.float64)), ancestors)
    best = shared.argmax(axis=1)
    family = (ancestors | ancestors.T)[best]
    return np.asarray(shared[np.arange(len(best)), best] + np.where(family, shared, 0.0).sum(axis=1))


def share_ancestors(probabilities: Floats, ancestors: Bools) -> Floats:
    """Share the probability of each ancestor among it and its descendants, in proportion to their own.

    Args:
        probabilities: shape (n, C); NaN rows stay NaN.
        ancestors: as `ancestor_matrix`.

    Returns:
        Shape (n, C), with the same sums.
    """
    shared = probabilities.copy()
    # From the top, so that what an ancestor passes on to an inner category is passed on again.
    for ancestor in np.argsort(ancestors.sum(axis=0), kind="stable"):
        family = np.flatnonzero(ancestors[ancestor])
        if len(family):
            family = np.append(family, ancestor)
            given, own = shared[:, family].copy(), shared[:, ancestor].copy()
            total = np.maximum(given.sum(axis=1), np.finfo(shared.dtype).tiny)
            shared[:, ancestor] = 0.0
            shared[:, family] += given * (own / total)[:, None]
    return shared


def fold_related(probabilities: Floats, labels: Ints, ancestors: Bools) -> Floats:
    """Move the probability of the label's ancestors and descendants to the label.

    Args:
        probabilities: shape (n, C).
        labels: shape (n,), negative where there is none; these rows stay as they are.
        ancestors: as `ancestor_matrix`.
    """
    folded = probabilities.copy()
    rows = np.flatnonzero(labels >= 0)
    related = (ancestors | ancestors.T)[labels[rows]]
    moved = np.where(related, folded[rows], 0.0)
    folded[rows] -= moved
    folded[rows, labels[rows]] += moved.sum(axis=1)
    return folded
