"""Groups of categories, such as siblings or departments: draws another category of the same group or of another one."""

from __future__ import annotations

import numpy as np

from schemas.arrays import Bools, Floats, Ints


class CategoryGroups:
    """Categories in groups, for drawing another category inside or outside a group.

    Args:
        groups: shape (C,), each category's group.
    """

    def __init__(self, groups: Ints) -> None:
        self._order = np.argsort(groups, kind="stable")
        self._position = np.empty_like(self._order)
        self._position[self._order] = np.arange(len(groups))
        sizes = np.bincount(groups)
        self._start = (np.cumsum(sizes) - sizes)[groups]
        self._size = sizes[groups]

    def has_other(self, categories: Ints) -> Bools:
        """Whether each category's group has another category; same shape as `categories`."""
        return np.asarray(self._size[categories] > 1)

    def other(self, categories: Ints, u: Floats) -> Ints:
        """Another one of the same group, chosen by u in [0, 1); the category itself if it has no sibling."""
        size, start = self._size[categories], self._start[categories]
        step = 1 + (u * np.maximum(size - 1, 0)).astype(np.int64)
        another: Ints = self._order[start + (self._position[categories] - start + step) % size]
        return another

    def outside(self, categories: Ints, u: Floats) -> Ints:
        """A category of another group, chosen by u in [0, 1); if there is only one group, another one of it."""
        size, start = self._size[categories], self._start[categories]
        rest = len(self._order) - size
        position = (u * rest).astype(np.int64)
        elsewhere: Ints = self._order[(position + np.where(position < start, 0, size)) % len(self._order)]
        return np.where(rest > 0, elsewhere, self.other(categories, u))
