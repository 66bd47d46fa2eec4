"""The transition matrix M of the noise model, estimated from few errors per category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from schemas.arrays import Bools, Floats, Ints

_EPSILON = 1e-12
CONCENTRATIONS = (5.0, 20.0, 80.0, 320.0)
"""Candidates for the concentration of the Dirichlet prior on a row of M. Small values suit systematic errors (A is
always labelled B), large values suit errors that are spread over many categories."""


RELATED = 4
"""Distance of a category to its ancestors and descendants, which are no errors (`udfs.ancestors`)."""


def category_distances(
    parents: Sequence[str | None], departments: Sequence[str | None], ancestors: Bools | None = None
) -> Ints:
    """Distances in the taxonomy, shape (C, C).

    0 same category, 1 same parent, 2 same department, 3 none of these, 4 one is an ancestor of the other.

    Args:
        parents, departments: C names; None where there is none.
        ancestors: as `udfs.ancestors.ancestor_matrix`; None: no category is an ancestor.
    """

    def same(values: Sequence[str | None]) -> Bools:
        codes = np.array([f"={v}" if v is not None else f"#{i}" for i, v in enumerate(values)], dtype=object)
        return np.asarray(codes[:, None] == codes[None, :], dtype=np.bool_)

    distances = np.where(same(parents), 1, np.where(same(departments), 2, 3))
    if ancestors is not None:
        distances = np.where(ancestors | ancestors.T, RELATED, distances)
    np.fill_diagonal(distances, 0)
    return distances.astype(np.int64)


def expected_errors(posteriors: Floats, labels: Ints) -> Floats:
    """Expected number of errors of each kind: true category by label, shape (C, C), diagonal 0.

    Args:
        posteriors: shape (n, C), posterior of each category.
        labels: shape (n,), the sellers' labels.
    """
    count = posteriors.shape[1]
    by_label = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), (count, len(labels)))
    errors = np.ascontiguousarray((by_label @ posteriors).T)  # several times faster than np.add.at
    np.fill_diagonal(errors, 0.0)
    return errors


def add_prior(errors: Floats, distances: Ints, concentration: float) -> Floats:
    """Add the prior's pseudo-counts to the expected errors; shape (C, C), diagonal 0. Normalised rows give M.

    The overall shares of errors to siblings, within the department and to other departments are estimated first. Row c
    of the prior spreads each share evenly over the categories at that distance from c. Its total is the same for 10 or
    1,000 categories.

    Args:
        errors: as `expected_errors` returns them.
        distances: as `category_distances` returns them.
        concentration: sum of each row of the prior.
    """
    return np.asarray(errors + concentration * _prior(errors, distances))


def transition_matrix(errors: Floats, distances: Ints, concentration: float) -> Floats:
    """M, P(label | true category, label is wrong); rows sum to 1, diagonal 0. Arguments as for `add_prior`."""
    total = add_prior(errors, distances, concentration)
    return np.asarray(total / np.maximum(total.sum(axis=1, keepdims=True), _EPSILON))


def _prior(errors: Floats, distances: Ints) -> Floats:
    counts = np.array([errors[distances == distance].sum() for distance in (1, 2, 3)]) + 1.0
    sizes = np.stack([(distances == distance).sum(axis=1) for distance in (1, 2, 3)], axis=1)
    share = (counts / counts.sum()) * (sizes > 0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), _EPSILON)
    none = np.zeros((len(distances), 1))
    each = np.concatenate([none, share / np.maximum(sizes, 1), none], axis=1)
    return np.asarray(np.take_along_axis(each, distances, axis=1))
