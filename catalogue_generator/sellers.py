"""Sellers: how much they sell, in which departments, in which language and how carefully."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Floats

_LISTINGS_PER_SELLER = 150
_MIN_SELLERS, _MAX_SELLERS = 8, 3000


@dataclass(frozen=True)
class Sellers:
    """S sellers in D departments.

    Attributes:
        ids: S seller ids.
        shares: shape (D, S), P(seller | department); rows sum to 1.
        sloppiness: shape (S,), > 0; careless label errors are proportional to it.
        typos: shape (S,), 0 to 1, the share of each seller's titles with a typing error.
        french: shape (S,), 0 to 1, the share of each seller's listings in French.
    """

    ids: tuple[str, ...]
    shares: Floats
    sloppiness: Floats
    typos: Floats
    french: Floats


def draw_sellers(rng: np.random.Generator, count: int | None, listings: int, departments: int) -> Sellers:
    """Draw the sellers of a catalogue.

    Args:
        rng: the random generator.
        count: number of sellers; None: 8 to 3,000, depending on the number of listings; 0: as None, since
            unnamed sellers exist too.
        listings: number of listings in the catalogue.
        departments: number of departments, D.
    """
    size = count or int(np.clip(listings // _LISTINGS_PER_SELLER, _MIN_SELLERS, _MAX_SELLERS))
    weights = rng.lognormal(0.0, 1.0, size)
    # Most sellers sell in one department and a little elsewhere; one in six sells everything.
    focus = np.full((departments, size), 0.04)
    focus[rng.integers(departments, size=size), np.arange(size)] = 1.0
    focus[:, rng.random(size) < 1 / 6] = 0.5
    shares = focus * weights
    sloppiness = rng.lognormal(0.0, 1.2, size)
    languages = rng.choice([0.03, 0.5, 0.95], size=size, p=[0.65, 0.2, 0.15])
    return Sellers(
        ids=tuple(f"S{number:04d}" for number in range(size)),
        shares=shares / shares.sum(axis=1, keepdims=True),
        sloppiness=sloppiness,
        typos=np.clip(0.025 * sloppiness, 0.01, 0.3),
        french=languages,
    )
