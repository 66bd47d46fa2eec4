"""A catalogue's standing facts, drawn once: its taxonomy, brands, sellers, prices, and how the sellers label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogue_generator.kin import Kin
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
        spec: what the catalogue shall be.
        categories: C leaves of the taxonomy.
        prior: shape (C,), the share of the listings in each; sums to 1.
        prices: shape (C,), each one's median price in euros.
        departments: shape (C,), each one's department by number.
        siblings: who shares a parent.
        neighbours: who shares a department.
        brands: who makes what.
        sellers: who sells.
        noise: how they label.
    """

    spec: CatalogueSpec
    categories: tuple[Category, ...]
    prior: Floats
    prices: Floats
    departments: Ints
    siblings: Kin
    neighbours: Kin
    brands: Brands
    sellers: Sellers
    noise: LabelNoise


def draw_world(spec: CatalogueSpec) -> World:
    """Draw the standing facts of a catalogue; equal specs give equal worlds."""
    rng = np.random.default_rng((spec.seed, 0))
    categories = build_taxonomy(spec.categories)
    count = len(categories)
    departments = np.unique([category.department for category in categories], return_inverse=True)[1]
    siblings = Kin(np.unique([category.parent for category in categories], return_inverse=True)[1])
    neighbours = Kin(departments)
    # Zipf-Mandelbrot: large and small categories, as in any shop.
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
    )
