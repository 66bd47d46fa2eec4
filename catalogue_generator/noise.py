"""Wrong categories: which listings get one, and which one, by the mix that the settings choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogue_generator.kin import Kin
from catalogue_generator.sellers import Sellers
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.texts import AMBIGUOUS_SHARE
from schemas.arrays import Bools, Floats, Ints

_WORST_RATE = 0.9
"""Nobody is wrong more often than this by carelessness alone."""
_CARELESS = (0.6, 0.9)
"""A careless error is a sibling with 0.6, else the department's with 0.3, else any category."""
_AMBIGUOUS = (0.9, 1.0)
"""The same for an error on an ambiguous listing."""


@dataclass(frozen=True)
class Renaming:
    """Some sellers call some categories by a sibling's name, always.

    Attributes:
        sellers: shape (D, S), who does so in each department.
        categories: shape (C,), what all of them rename.
        partly: one more category, which only `partly_by` rename.
        partly_by: shape (S,).
    """

    sellers: Bools
    categories: Bools
    partly: int
    partly_by: Bools

    def applies(self, categories: Ints, departments: Ints, sellers: Ints) -> Bools:
        """Whether each listing's seller renames its category; all of one shape."""
        whole = self.sellers[departments, sellers] & self.categories[categories]
        partly: Bools = (categories == self.partly) & self.partly_by[sellers]
        return whole | partly


def choose_renaming(
    rng: np.random.Generator, wanted: float, seller_share: float, prior: Floats, departments: Ints, sellers: Sellers
) -> Renaming:
    """Choose who renames what.

    Args:
        rng: where chance comes from.
        wanted: the share of all listings to be renamed, 0 to `seller_share`: categories are taken until it is reached.
        seller_share: what those who rename hold of each department.
        prior: shape (C,), the share of the listings in each category.
        departments: shape (C,), each category's row in `sellers.shares`.
        sellers: who labels.
    """
    order = rng.permutation(sellers.shares.shape[1])
    ranked = sellers.shares[:, order]
    chosen = np.zeros(sellers.shares.shape, dtype=np.bool_)
    chosen[:, order] = np.cumsum(ranked, axis=1) - ranked / 2 <= seller_share
    held = prior * (sellers.shares * chosen).sum(axis=1)[departments]
    ranking = rng.permutation(len(held))
    whole = ranking[np.cumsum(held[ranking]) <= wanted + 1e-9]
    renamed = np.zeros(len(held), dtype=np.bool_)
    renamed[whole] = True
    partly = int(ranking[min(len(whole), len(ranking) - 1)])
    each = prior[partly] * (sellers.shares * chosen)[departments[partly]]
    partly_by = chosen[departments[partly]] & (np.cumsum(each) - each / 2 <= wanted - held[whole].sum())
    return Renaming(chosen, renamed, partly, partly_by)


class LabelNoise:
    """How the sellers of a catalogue label; reaches the shares of the spec's mix in expectation.

    Args:
        rng: where chance comes from.
        spec: the overall share of wrong labels and the mix.
        siblings: the categories by parent.
        neighbours: the categories by department.
        prior: shape (C,), the share of listings in each category.
        departments: shape (C,), each category's row in `sellers.shares`.
        sellers: who labels.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        spec: CatalogueSpec,
        siblings: Kin,
        neighbours: Kin,
        prior: Floats,
        departments: Ints,
        sellers: Sellers,
    ) -> None:
        self._departments = departments
        self._kin = (siblings, neighbours, Kin(np.zeros(len(prior), dtype=np.int64)))
        mix, everyone = spec.noise, np.arange(len(prior))
        systematic, ambiguous, careless = (
            spec.wrong_share * part for part in (mix.systematic, mix.ambiguous, mix.careless)
        )
        self.renaming = choose_renaming(rng, systematic, mix.systematic_sellers, prior, departments, sellers)
        self.alias: Ints = self._another(everyone, np.zeros(len(prior)), np.zeros(len(prior)), (1.0, 1.0))
        """Shape (C,): the name B by which those who rename A call it."""

        # Each later cause finds only those listings that an earlier one has left right.
        whole = np.bincount(departments, weights=prior * self.renaming.categories, minlength=len(sellers.shares))
        renamed = whole @ (sellers.shares * self.renaming.sellers)
        partly = self.renaming.partly
        renamed += prior[partly] * sellers.shares[departments[partly]] * self.renaming.partly_by
        left = np.bincount(departments, weights=prior, minlength=len(sellers.shares)) @ sellers.shares - renamed
        self._ambiguous_rate = min(1.0, ambiguous / (AMBIGUOUS_SHARE * left.sum()))
        left *= 1.0 - ambiguous / left.sum()
        self.careless_rates: Floats = _scale(sellers.sloppiness, left, careless)
        """Shape (S,): how often each seller is wrong by carelessness."""

    def labels(self, rng: np.random.Generator, categories: Ints, sellers: Ints, ambiguous: Bools) -> Ints:
        """Draw the labels of n listings; all arguments of shape (n,), of true categories and sellers by index."""
        u, scope, chance = rng.random((3, len(categories)))
        labels = categories.copy()
        by_care = u < self.careless_rates[sellers]
        labels[by_care] = self._another(categories, scope, chance, _CARELESS)[by_care]
        v = rng.random(len(categories))
        by_doubt = ambiguous & (v < self._ambiguous_rate)
        labels[by_doubt] = self._another(categories, scope, chance, _AMBIGUOUS)[by_doubt]
        renamed = self.renaming.applies(categories, self._departments[categories], sellers)
        labels[renamed] = self.alias[categories[renamed]]
        return labels

    def _another(self, categories: Ints, scope: Floats, chance: Floats, limits: tuple[float, float]) -> Ints:
        """Another category: a sibling where scope < limits[0], of the department where < limits[1], else any."""
        siblings, department, anywhere = self._kin
        near = (scope < limits[0]) & siblings.has_other(categories)
        middle = ~near & (scope < limits[1]) & department.has_other(categories)
        other = anywhere.other(categories, chance)
        other[middle] = department.other(categories, chance)[middle]
        other[near] = siblings.other(categories, chance)[near]
        return other


def _scale(raw: Floats, weights: Floats, wanted: float) -> Floats:
    """Rates proportional to raw, at most `_WORST_RATE`, whose weighted sum is `wanted`; found by bisection."""
    low, high = 0.0, _WORST_RATE / raw.min()
    for _ in range(60):
        middle = (low + high) / 2
        reached = float(weights @ np.minimum(_WORST_RATE, middle * raw))
        low, high = (middle, high) if reached < wanted else (low, middle)
    rates: Floats = np.minimum(_WORST_RATE, high * raw)
    return rates
