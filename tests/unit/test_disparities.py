"""Segments are treated worse only if the difference is beyond chance, also among many, and large."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from udfs.disparities import SegmentCount, compare_segments, find_disparities, holm


@pytest.mark.parametrize(
    ("wrong", "listings", "wrong_rest", "rest"), [(9, 40, 20, 400), (0, 30, 5, 60), (12, 12, 30, 31), (3, 33, 0, 64)]
)
def test_the_p_value_is_that_of_fishers_exact_test(wrong: int, listings: int, wrong_rest: int, rest: int) -> None:
    counts = [SegmentCount("a", wrong, listings), SegmentCount("b", wrong_rest, rest)]
    table = [[wrong, listings - wrong], [wrong_rest, rest - wrong_rest]]
    found = {each.segment: each for each in find_disparities(counts, 1)}
    if listings < 30:
        assert found == {}
        return
    p = fisher_exact(table, alternative="greater").pvalue
    other = fisher_exact(table[::-1], alternative="greater").pvalue
    corrected = holm([p, other])
    assert (found["a"].p, found["b"].p) == pytest.approx(tuple(corrected))
    assert found["a"].share == pytest.approx(wrong / listings)
    assert found["a"].rest == pytest.approx(wrong_rest / rest)


def test_holm_multiplies_the_smallest_most_and_keeps_the_order_of_the_p_values() -> None:
    assert holm([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_without_a_difference_segments_are_rarely_flagged_and_a_bad_one_is() -> None:
    random = np.random.default_rng(5)
    listings = random.integers(30, 2000, (300, 40))
    wrong = random.binomial(listings, 0.05)
    flagged = 0
    for n, k in zip(listings, wrong, strict=True):
        counts = [SegmentCount(f"s{i:02}", int(b), int(a)) for i, (a, b) in enumerate(zip(n, k, strict=True))]
        flagged += any(each.is_worse for each in find_disparities(counts, 1))
    assert flagged / 300 < 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5
    bad = [SegmentCount(f"s{i:02}", 50.0, 1000) for i in range(40)] + [SegmentCount("worst", 110.0, 1000)]
    found = find_disparities(bad, 6)
    assert [each.segment for each in found if each.is_worse] == ["worst"]
    assert str(found[-1]).startswith("11.00% against 5.00% of the rest, p = ")


def test_a_small_difference_is_no_worse_treatment_however_sure_it_is() -> None:
    slightly = [SegmentCount("a", 12_000.4, 100_000), SegmentCount("b", 100_000.0, 1_000_000)]
    [a, b] = find_disparities(slightly, 6)
    assert a.p < 1e-9
    assert not a.is_worse
    assert b.p == 1
    [a, _] = find_disparities([SegmentCount("a", 12_501.0, 100_000), slightly[1]], 6)
    assert a.is_worse


def test_every_rate_is_compared_whatever_the_order() -> None:
    segments = [("b", [(2.0, 100), (0.0, 29)]), ("a", [(40.0, 100), (20.0, 400)])]
    found = compare_segments(segments, 2)
    assert found is not None
    assert [each[:3] for each in found] == [(0, "a", True), (0, "b", False)]
    assert compare_segments(segments[::-1], 2) == found
    assert compare_segments([], 2) == []
