from __future__ import annotations

import pytest
from scipy.stats import beta, binom, hypergeom, norm

from benchmarks.audit_coverage import DRAWS, PLANS, Plan, coverage, least_coverage
from udfs.audit_bounds import Stratum, error_bounds, estimate_errors, estimated_errors, strata_bounds

_MANY = 10**8
"""So many listings that a sample without replacement is like one with replacement."""


@pytest.mark.parametrize(
    ("errors", "audited"), [(0, 200), (1, 200), (37, 400), (399, 400), (400, 400), (61, 15_300)], ids=str
)
def test_of_a_huge_catalogue_the_bounds_are_those_of_clopper_and_pearson(errors: int, audited: int) -> None:
    lower, upper = error_bounds(errors, audited, _MANY)
    expected = beta.ppf(0.025, errors, audited - errors + 1) if errors else 0.0
    assert lower / _MANY == pytest.approx(expected, rel=1e-4)
    expected = beta.ppf(0.975, errors + 1, audited - errors) if errors < audited else 1.0
    assert upper / _MANY == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("errors", "audited", "listings"), [(0, 30, 40), (3, 50, 1000), (12, 40, 60)], ids=str)
def test_the_bounds_are_the_last_totals_that_the_sample_does_not_contradict(
    errors: int, audited: int, listings: int
) -> None:
    lower, upper = error_bounds(errors, audited, listings)
    at_most = hypergeom.cdf(errors, listings, [upper, upper + 1], audited)
    assert at_most[0] > 0.025 >= at_most[1]
    at_least = hypergeom.sf(errors - 1, listings, [lower - 1, lower], audited)
    assert at_least[1] > 0.025
    assert lower == 0 or at_least[0] <= 0.025


def test_what_is_audited_is_known() -> None:
    assert error_bounds(7, 50, 50) == (7, 7)
    assert error_bounds(0, 0, 50) == (0, 50)
    assert error_bounds(0, 0, 0) == (0, 0)
    # Of 60 listings 50 are audited: only the other ten are unknown.
    lower, upper = error_bounds(7, 50, 60)
    assert 7 <= lower < 9 < upper <= 17


def test_a_segment_needs_thirty_audited_listings() -> None:
    assert estimate_errors(3, 29, 1000) is None
    assert estimate_errors(None, 400, 1000) is None
    assert estimate_errors(3, 30, 1000) == (pytest.approx(100), *map(float, error_bounds(3, 30, 1000)))


def test_strata_are_extrapolated_each_by_its_own_chance() -> None:
    strata = [Stratum(10, 100, 1000), Stratum(1, 100, 9000)]
    assert estimated_errors(strata) == pytest.approx(100 + 90)
    lower, upper = strata_bounds(strata)
    each = [error_bounds(*stratum, level=0.975) for stratum in strata]
    assert (lower, upper) == (each[0][0] + each[1][0], each[0][1] + each[1][1])
    assert lower < 190 < upper
    assert strata_bounds(strata[:1]) == error_bounds(10, 100, 1000)


@pytest.mark.parametrize("plan", PLANS[::3], ids=lambda plan: plan.name)
def test_the_bounds_cover(plan: Plan) -> None:
    found = coverage(plan, DRAWS)
    assert found.covered >= least_coverage(DRAWS)
    # Bounds that always cover would say nothing.
    assert found.width < 0.25


@pytest.mark.parametrize(
    ("audited", "largest", "power"),
    [(15_300, 59, 0.42), (19_250, 77, 0.53), (31_000, 130, 0.72), (36_500, 156, 0.81)],
    ids=str,
)
def test_what_it_costs_to_prove_a_rate(audited: int, largest: int, power: float) -> None:
    """The figures of docs/metrics.md: to show that fewer than 0.5 % are wrong, where 0.4 % are."""
    proves = [error_bounds(errors, audited, _MANY)[1] / _MANY < 0.005 for errors in (largest, largest + 1)]
    assert proves == [True, False]
    assert binom.cdf(largest, audited, 0.004) == pytest.approx(power, abs=0.005)


def test_the_rule_of_thumb_for_the_cost_of_a_proof_is_somewhat_lower() -> None:
    """The normal approximation: (z / (0.005 - 0.004))^2 * 0.004 * 0.996."""
    audits = [(z / 0.001) ** 2 * 0.004 * 0.996 for z in (norm.ppf(0.975), norm.ppf(0.975) + norm.ppf(0.8))]
    assert audits == pytest.approx([15_300, 31_000], rel=0.01)
