"""`python -m benchmarks.audit_coverage`: how often the bounds of the audit cover the truth, by simulation.

Catalogues with a known number of errors are audited 2,000 times each. Errors that are known or that people have put
right are constants, which move the bounds and the truth alike, so they are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from udfs.audit_bounds import Stratum, strata_bounds

DRAWS = 2_000
_LEAST = 0.94
"""95 % bounds should cover in at least this share of the draws, less two errors of the simulation."""


@dataclass(frozen=True)
class Plan:
    """An audit of a catalogue.

    Attributes:
        listings: number of listings of each stratum.
        rates: share of errors of each stratum, 0 to 1.
        audited: number of audited listings of each stratum.
    """

    listings: tuple[int, ...]
    rates: tuple[float, ...]
    audited: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its strata in words."""
        parts = zip(self.listings, self.rates, self.audited, strict=True)
        return ", ".join(f"{n} of {size} at {100 * rate:g} %" for size, rate, n in parts)


PLANS = tuple(
    [Plan((8_000,), (rate,), (n,)) for rate in (0.004, 0.01, 0.03, 0.1, 0.3) for n in (200, 400)]
    + [Plan((1_000,), (0.01,), (400,))]
    + [Plan((1_000, 7_000), (rate * 4, rate), (half, half)) for rate in (0.004, 0.02, 0.075) for half in (100, 200)]
    + [Plan((500, 2_500, 5_000), (0.3, 0.05, 0.004), (100, 100, 200))]
)
"""Rates from 0.4 to 30 %, samples of 200 to 400, one to three strata with different chances of being drawn."""


@dataclass(frozen=True)
class Coverage:
    """What a simulation found: the share of draws in which the bounds cover, and their mean width as a share."""

    covered: float
    width: float


def least_coverage(draws: int) -> float:
    """The least share of covering draws: `_LEAST`, less two standard errors of so many draws."""
    return _LEAST - 2.0 * math.sqrt(_LEAST * (1.0 - _LEAST) / draws)


def coverage(plan: Plan, draws: int, seed: int = 1) -> Coverage:
    """Audit a catalogue many times."""
    random = np.random.default_rng(seed)
    wrong = [round(size * rate) for size, rate in zip(plan.listings, plan.rates, strict=True)]
    found = np.column_stack(
        [
            random.hypergeometric(bad, size - bad, n, draws)
            for bad, size, n in zip(wrong, plan.listings, plan.audited, strict=True)
        ]
    )
    # Many draws find the same errors, and have the same bounds.
    results, times = np.unique(found, axis=0, return_counts=True)
    bounds = np.array(
        [
            strata_bounds([Stratum(*row) for row in zip(map(int, errors), plan.audited, plan.listings, strict=True)])
            for errors in results
        ]
    )
    covers = (bounds[:, 0] <= sum(wrong)) & (sum(wrong) <= bounds[:, 1])
    widths = (bounds[:, 1] - bounds[:, 0]) / sum(plan.listings)
    return Coverage(float(covers @ times / draws), float(widths @ times / draws))


def main() -> None:
    """Print coverage and width of all plans."""
    table = Table("audit", "covered", "mean width", box=None)
    for plan in PLANS:
        found = coverage(plan, DRAWS)
        table.add_row(plan.name, f"{found.covered:.1%}", f"{100 * found.width:.2f} points")
    console = Console(highlight=False, width=120)
    console.print(table)
    console.print(f"At least {least_coverage(DRAWS):.1%} is required of {DRAWS:,} draws each.")


if __name__ == "__main__":
    main()
