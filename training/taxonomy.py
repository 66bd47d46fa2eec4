"""The categories as training sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaxonomyCategory:
    """A category with the groups within which errors are likeliest; None where the taxonomy has no such group."""

    category: str
    parent: str | None = None
    department: str | None = None
