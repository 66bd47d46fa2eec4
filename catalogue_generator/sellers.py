"""Who sells: how much, what, in which language, and with how much care."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Floats

_LISTINGS_PER_SELLER = 150
_FEWEST, _MOST = 8, 3000


@dataclass(frozen=True)
class Sellers:
    """S sellers over D departments.

    Attributes:
        ids: S names.
        shares: shape (D, S), P(seller | department); rows sum to 1.
        sloppiness: shape (S,), > 0, how careless each is; the label errors are proportional to it.
        typos: shape (S,), 0 to 1, how often each mistypes a title.
        french: shape (S,), 0 to 1, how often each writes French.
    """

    ids: tuple[str, ...]
    shares: Floats
    sloppiness: Floats
    typos: Floats
    french: Floats


def draw_sellers(rng: np.random.Generator, count: int | None, listings: int, departments: int) -> Sellers:
    """Draw the sellers of a catalogue.

    Args:
        rng: where chance comes from.
        count: how many; None: by the number of listings, 8 to 3,000; 0 counts as None (they exist, unnamed).
        listings: of the catalogue.
        departments: D.
    """
    size = count or int(np.clip(listings // _LISTINGS_PER_SELLER, _FEWEST, _MOST))
    weights = rng.lognormal(0.0, 1.0, size)
    # Most sell in one department and a little elsewhere; one in six sells everything.
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
