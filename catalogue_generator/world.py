"""What is drawn once per catalogue: its taxonomy, brands, sellers, prices and label noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogue_generator.category_groups import CategoryGroups
from catalogue_generator.mixed_depths import MixedDepths, draw_mixed_depths
from catalogue_generator.noise import LabelNoise
from catalogue_generator.sellers import Sellers, draw_sellers
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.taxonomy import Category, build_taxonomy
from catalogue_generator.texts import Brands, draw_brands
from schemas.arrays import Floats, Ints


@dataclass(frozen=True)
class World:
    """What all blocks of a catalogue share.

    Attributes:
        spec: the description of the catalogue.
        categories: the C leaves of the taxonomy.
        prior: shape (C,), the share of listings in each category; sums to 1.
        prices: shape (C,), the median price of each category in euros.
        departments: shape (C,), the department number of each category.
        siblings: the categories grouped by parent.
        neighbours: the categories grouped by department.
        brands: the brands and their categories.
        sellers: the sellers.
        noise: how the sellers choose labels.
        depths: which sellers name ancestors instead.
    """

    spec: CatalogueSpec
    categories: tuple[Category, ...]
    prior: Floats
    prices: Floats
    departments: Ints
    siblings: CategoryGroups
    neighbours: CategoryGroups
    brands: Brands
    sellers: Sellers
    noise: LabelNoise
    depths: MixedDepths


def draw_world(spec: CatalogueSpec) -> World:
    """Draw what all blocks of a catalogue share; equal specs give equal worlds."""
    rng = np.random.default_rng((spec.seed, 0))
    categories = build_taxonomy(spec.categories)
    count = len(categories)
    departments = np.unique([category.department for category in categories], return_inverse=True)[1]
    siblings = CategoryGroups(np.unique([category.parent for category in categories], return_inverse=True)[1])
    neighbours = CategoryGroups(departments)
    # Zipf-Mandelbrot: a few large and many small categories, as in a real shop.
    prior = (10.0 + rng.permutation(count)) ** -0.7
    prior /= prior.sum()
    sellers = draw_sellers(rng, spec.sellers, spec.listings, int(departments.max()) + 1)
    return World(
        spec=spec,
        categories=categories,
        prior=prior,
        prices=np.array([category.price for category in categories]) * rng.lognormal(0.0, 0.15, count),
        departments=departments,
        siblings=siblings,
        neighbours=neighbours,
        brands=draw_brands(rng, categories),
        sellers=sellers,
        noise=LabelNoise(rng, spec, siblings, neighbours, prior, departments, sellers),
        depths=draw_mixed_depths(spec, categories, prior, departments, sellers),
    )
