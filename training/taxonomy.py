"""The categories as training uses them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaxonomyCategory:
    """A category with its parent and department; None where the taxonomy does not have them."""

    category: str
    parent: str | None = None
    department: str | None = None
