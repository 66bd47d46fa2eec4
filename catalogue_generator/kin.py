"""Which categories are siblings, or neighbours in a department: draws another one, or one from elsewhere."""

from __future__ import annotations

import numpy as np

from schemas.arrays import Bools, Floats, Ints


class Kin:
    """Who is a sibling of whom: draws another category of the same group.

    Args:
        groups: shape (C,), each category's group.
    """

    def __init__(self, groups: Ints) -> None:
        self._order = np.argsort(groups, kind="stable")
        self._place = np.empty_like(self._order)
        self._place[self._order] = np.arange(len(groups))
        sizes = np.bincount(groups)
        self._start = (np.cumsum(sizes) - sizes)[groups]
        self._size = sizes[groups]

    def has_other(self, categories: Ints) -> Bools:
        """Whether each category's group holds another one; shape as given."""
        return np.asarray(self._size[categories] > 1)

    def other(self, categories: Ints, u: Floats) -> Ints:
        """Another category of each one's group, uniform in u (0 to 1, exclusive); a lone category gives itself."""
        size, start = self._size[categories], self._start[categories]
        step = 1 + (u * np.maximum(size - 1, 0)).astype(np.int64)
        another: Ints = self._order[start + (self._place[categories] - start + step) % size]
        return another

    def outside(self, categories: Ints, u: Floats) -> Ints:
        """A category of another group, uniform in u; where there is no other group, one of the same."""
        size, start = self._size[categories], self._start[categories]
        rest = len(self._order) - size
        place = (u * rest).astype(np.int64)
        elsewhere: Ints = self._order[(place + np.where(place < start, 0, size)) % len(self._order)]
        return np.where(rest > 0, elsewhere, self.other(categories, u))
