"""The categories as training sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """A category of the taxonomy, with the groups in which errors are likeliest; None where there are none."""

    category: str
    parent: str | None = None
    department: str | None = None
