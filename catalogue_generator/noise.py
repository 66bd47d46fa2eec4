"""Label noise: which listings get a wrong category, and which one, by the mix in the spec."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogue_generator.category_groups import CategoryGroups
from catalogue_generator.sellers import Sellers
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.texts import AMBIGUOUS_SHARE
from schemas.arrays import Bools, Floats, Ints

_MAX_RATE = 0.9
"""Upper limit of a seller's rate."""
_CARELESS = (0.6, 0.9)
"""Cumulative: a careless error is a sibling (0.6), another category of the department (0.3), or any category (0.1)."""
_AMBIGUOUS = (0.9, 1.0)
"""The same for errors on ambiguous listings."""


@dataclass(frozen=True)
class Renaming:
    """Systematic errors: some sellers always call some categories by a sibling's name.

    Attributes:
        sellers: shape (D, S), which sellers do so in each department.
        categories: shape (C,), the categories that all of them rename.
        partly: one more category, which only the sellers `partly_by` rename.
        partly_by: shape (S,).
    """

    sellers: Bools
    categories: Bools
    partly: int
    partly_by: Bools

    def applies(self, categories: Ints, departments: Ints, sellers: Ints) -> Bools:
        """Whether each listing's seller renames its category; all arrays have the same shape."""
        whole = self.sellers[departments, sellers] & self.categories[categories]
        partly: Bools = (categories == self.partly) & self.partly_by[sellers]
        return whole | partly


def choose_renaming(
    rng: np.random.Generator, wanted: float, seller_share: float, prior: Floats, departments: Ints, sellers: Sellers
) -> Renaming:
    """Choose which sellers rename which categories.

    Args:
        rng: the random generator.
        wanted: the share of all listings to rename, 0 to `seller_share`; categories are added until it is reached.
        seller_share: the share of each department's listings that the renaming sellers hold.
        prior: shape (C,), the share of the listings in each category.
        departments: shape (C,), each category's row in `sellers.shares`.
        sellers: the sellers, who choose the labels.
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
    """How the sellers of a catalogue choose labels. The expected shares of errors are those of the spec's mix.

    Args:
        rng: the random generator.
        spec: the overall share of wrong labels and the mix.
        siblings: the categories by parent.
        neighbours: the categories by department.
        prior: shape (C,), the share of listings in each category.
        departments: shape (C,), each category's row in `sellers.shares`.
        sellers: the sellers, who choose the labels.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        spec: CatalogueSpec,
        siblings: CategoryGroups,
        neighbours: CategoryGroups,
        prior: Floats,
        departments: Ints,
        sellers: Sellers,
    ) -> None:
        self._departments = departments
        self._groups = (siblings, neighbours, CategoryGroups(np.zeros(len(prior), dtype=np.int64)))
        mix, all_categories = spec.noise, np.arange(len(prior))
        systematic, ambiguous, careless = (
            spec.wrong_share * part for part in (mix.systematic, mix.ambiguous, mix.careless)
        )
        self.renaming = choose_renaming(rng, systematic, mix.systematic_sellers, prior, departments, sellers)
        self.alias: Ints = self._another(all_categories, np.zeros(len(prior)), np.zeros(len(prior)), (1.0, 1.0))
        """Shape (C,): the category B that renaming sellers use instead of A."""

        # A later cause can only affect listings that the earlier ones left correct.
        whole = np.bincount(departments, weights=prior * self.renaming.categories, minlength=len(sellers.shares))
        renamed = whole @ (sellers.shares * self.renaming.sellers)
        partly = self.renaming.partly
        renamed += prior[partly] * sellers.shares[departments[partly]] * self.renaming.partly_by
        correct = np.bincount(departments, weights=prior, minlength=len(sellers.shares)) @ sellers.shares - renamed
        self._ambiguous_rate = min(1.0, ambiguous / (AMBIGUOUS_SHARE * correct.sum()))
        correct *= 1.0 - ambiguous / correct.sum()
        self.careless_rates: Floats = scale_rates(sellers.sloppiness, correct, careless)
        """Shape (S,): each seller's careless error rate."""

    def labels(self, rng: np.random.Generator, categories: Ints, sellers: Ints, ambiguous: Bools) -> Ints:
        """Draw the labels of n listings. All arrays have shape (n,); true categories and sellers are indices."""
        u, scope, chance = rng.random((3, len(categories)))
        labels = categories.copy()
        careless = u < self.careless_rates[sellers]
        labels[careless] = self._another(categories, scope, chance, _CARELESS)[careless]
        v = rng.random(len(categories))
        uncertain = ambiguous & (v < self._ambiguous_rate)
        labels[uncertain] = self._another(categories, scope, chance, _AMBIGUOUS)[uncertain]
        renamed = self.renaming.applies(categories, self._departments[categories], sellers)
        labels[renamed] = self.alias[categories[renamed]]
        return labels

    def _another(self, categories: Ints, scope: Floats, chance: Floats, limits: tuple[float, float]) -> Ints:
        """Another category: a sibling if scope < limits[0], of the same department if scope < limits[1], else any."""
        siblings, department, anywhere = self._groups
        near = (scope < limits[0]) & siblings.has_other(categories)
        middle = ~near & (scope < limits[1]) & department.has_other(categories)
        other = anywhere.other(categories, chance)
        other[middle] = department.other(categories, chance)[middle]
        other[near] = siblings.other(categories, chance)[near]
        return other


def scale_rates(raw: Floats, weights: Floats, wanted: float) -> Floats:
    """Rates proportional to raw, at most `_MAX_RATE`, whose weighted sum is `wanted`, found by bisection."""
    low, high = 0.0, _MAX_RATE / raw.min()
    for _ in range(60):
        middle = (low + high) / 2
        reached = float(weights @ np.minimum(_MAX_RATE, middle * raw))
        low, high = (middle, high) if reached < wanted else (low, middle)
    rates: Floats = np.minimum(_MAX_RATE, high * raw)
    return rates
