"""Where errors go: the matrix M of the noise model, from few errors a category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.arrays import Bools, Floats, Ints

_EPSILON = 1e-12
CONCENTRATIONS = (5.0, 20.0, 80.0, 320.0)
"""Masses of the prior on a row of M that are chosen from: the first suits sellers who always call A B, the last errors
that go anywhere."""


def category_distances(parents: Sequence[str | None], departments: Sequence[str | None]) -> Ints:
    """How near two categories are, shape (C, C): 0 the same, 1 one parent, 2 one department, 3 neither."""

    def same(values: Sequence[str | None]) -> Bools:
        codes = np.array([f"={v}" if v is not None else f"#{i}" for i, v in enumerate(values)], dtype=object)
        return np.asarray(codes[:, None] == codes[None, :], dtype=np.bool_)

    distances = np.where(same(parents), 1, np.where(same(departments), 2, 3))
    np.fill_diagonal(distances, 0)
    return distances.astype(np.int64)


def expected_errors(posteriors: Floats, labels: Ints) -> Floats:
    """How many errors of each kind are believed in: truth by label, shape (C, C), diagonal 0.

    Args:
        posteriors: shape (n, C), posterior of each category.
        labels: shape (n,), what the sellers said.
    """
    mass = np.zeros((posteriors.shape[1], posteriors.shape[1]))
    np.add.at(mass.T, labels, posteriors)
    np.fill_diagonal(mass, 0.0)
    return mass


def add_prior(mass: Floats, distances: Ints, concentration: float) -> Floats:
    """The mass with the prior's; M is each row's share of it. Shape (C, C), diagonal 0.

    The prior's row c spreads the overall share of errors among siblings, within the department and anywhere evenly over
    the categories at that level of c; its total mass is the same for 10 or 1,000 categories.

    Args:
        mass: as `expected_errors`.
        distances: as `category_distances`.
        concentration: total mass of the prior's rows.
    """
    return np.asarray(mass + concentration * _prior(mass, distances))


def transition_matrix(mass: Floats, distances: Ints, concentration: float) -> Floats:
    """M, P(label | truth, wrong): rows sum to 1, diagonal 0; arguments as for `add_prior`."""
    total = add_prior(mass, distances, concentration)
    return np.asarray(total / np.maximum(total.sum(axis=1, keepdims=True), _EPSILON))


def _prior(mass: Floats, distances: Ints) -> Floats:
    seen = np.array([mass[distances == level].sum() for level in (1, 2, 3)]) + 1.0
    members = np.stack([(distances == level).sum(axis=1) for level in (1, 2, 3)], axis=1)
    share = (seen / seen.sum()) * (members > 0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), _EPSILON)
    each = np.concatenate([np.zeros((len(distances), 1)), share / np.maximum(members, 1)], axis=1)
    return np.asarray(np.take_along_axis(each, distances, axis=1))
