"""Labels at mixed depths: some sellers name the parent or the department instead of the category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalogue_generator.noise import scale_rates
from catalogue_generator.sellers import Sellers
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.taxonomy import Category, ancestor_codes
from schemas.arrays import Floats, Ints

_SPREAD = 2.0
"""Standard deviation of the logarithm of sellers' rates before they are limited: most name few ancestors, some many."""
_DEPARTMENT_SHARE = 0.25
"""The share of departments among the named ancestors; the others are parents."""


@dataclass(frozen=True)
class MixedDepths:
    """Which sellers name ancestors, and which ancestors there are.

    Attributes:
        rates: shape (S,), the share of each seller's listings for which the seller names an ancestor.
        codes: the codes of the C leaves.
        ancestors: the codes of parent and department of each leaf.
    """

    rates: Floats
    codes: tuple[str, ...]
    ancestors: tuple[tuple[str, str], ...]

    def name(self, rng: np.random.Generator, labels: Ints, categories: Ints, sellers: Ints) -> list[str | None]:
        """The codes that sellers give n listings. A wrong label stays wrong: its ancestor is never the truth's.

        Args:
            rng: the random generator.
            labels: shape (n,), the leaf that the seller means.
            categories: shape (n,), the true leaf.
            sellers: shape (n,), the seller.
        """
        general = rng.random(len(labels)) < self.rates[sellers]
        level = (rng.random(len(labels)) < _DEPARTMENT_SHARE).astype(np.int64)
        named: list[str | None] = []
        for i, label in enumerate(labels):
            ancestor = self.ancestors[label][level[i]]
            becomes_right = label != categories[i] and ancestor in self.ancestors[categories[i]]
            named.append(ancestor if general[i] and not becomes_right else self.codes[label])
        return named


def draw_mixed_depths(
    spec: CatalogueSpec, categories: Sequence[Category], prior: Floats, departments: Ints, sellers: Sellers
) -> MixedDepths:
    """Draw the sellers' rates, with a random generator of their own: nothing else changes if they do.

    Args:
        spec: the description of the catalogue.
        categories: the C leaves.
        prior: shape (C,), the share of listings in each category.
        departments: shape (C,), each category's row in `sellers.shares`.
        sellers: the sellers.
    """
    rng = np.random.default_rng((spec.seed, 2))
    held = np.bincount(departments, weights=prior, minlength=len(sellers.shares)) @ sellers.shares
    rates = scale_rates(rng.lognormal(0.0, _SPREAD, len(held)), held, spec.ancestor_share)
    return MixedDepths(
        rates=rates if spec.ancestor_share > 0.0 else np.zeros(len(held)),  # and not nearly 0
        codes=tuple(category.code for category in categories),
        ancestors=tuple(ancestor_codes(category) for category in categories),
    )
