"""Finds the segments of the catalogue that are treated worse than the rest beyond chance.

A segment is compared with all others together by Fisher's exact test, one-sided. Of many segments some differ by
chance, so the p-values of a dimension are corrected by Holm's method (Scandinavian Journal of Statistics 1979), and
those of several dimensions and rates by Bonferroni's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.metrics import MIN_AUDITED, WORSE_RATIO
from udfs.audit_bounds import chance_of_at_most

_LEVEL = 0.05
"""The probability of flagging any segment if all are treated alike is at most this."""


class SegmentCount(NamedTuple):
    """A segment with the number of its listings and how many of them are wrong: counted, or expected by the model."""

    segment: str
    wrong: float
    listings: int


class Disparity(NamedTuple):
    """How a segment compares with the rest.

    Attributes:
        segment: its name.
        share, rest: shares of wrong listings of the segment and of all other segments, 0 to 1.
        p: the corrected p-value: the probability of such a share if the segment is treated like the rest, 0 to 1.
    """

    segment: str
    share: float
    rest: float
    p: float

    def __str__(self) -> str:
        """Both shares and the p-value in words."""
        return f"{self.share:.2%} against {self.rest:.2%} of the rest, p = {self.p:.2g}"

    @property
    def is_worse(self) -> bool:
        """Whether the difference is beyond chance and large: the share is at least `WORSE_RATIO` times the rest's."""
        return self.p < _LEVEL and self.share >= WORSE_RATIO * self.rest


def compare_segments(
    segments: Sequence[tuple[str, Sequence[tuple[float, int]]]], families: int
) -> list[tuple[int, str, bool, str]]:
    """Compare the segments of a dimension by several rates.

    Args:
        segments: name, and for each rate the number of wrong listings and of all.
        families: as in `find_disparities`.

    Returns:
        The place of the rate, the segment, whether it is treated worse, and the comparison in words.
    """
    rates = len(segments[0][1]) if segments else 0
    return [
        (rate, each.segment, each.is_worse, str(each))
        for rate in range(rates)
        for each in find_disparities([SegmentCount(name, *counts[rate]) for name, counts in segments], families)
    ]


def find_disparities(counts: Sequence[SegmentCount], families: int) -> list[Disparity]:
    """Compare each segment of a dimension with the rest.

    Args:
        counts: the segments, in any order; a listing is in one of them.
        families: number of dimensions and rates that are tested at the same time, at least 1.

    Returns:
        The segments of which both sides have `MIN_AUDITED` listings or more, sorted by name.
    """
    listings, wrong = sum(each.listings for each in counts), sum(each.wrong for each in counts)
    found = []
    for each in sorted(counts):
        others = listings - each.listings
        if min(each.listings, others) >= MIN_AUDITED:
            shares = each.wrong / each.listings, (wrong - each.wrong) / others
            found.append(Disparity(each.segment, *shares, _chance(each, wrong, listings)))
    corrected = holm([each.p for each in found])
    return [each._replace(p=min(p * families, 1.0)) for each, p in zip(found, corrected, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values by Holm's method; they stay in their order, and are at most 1."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(p_values[place] * (len(p_values) - rank), 1.0))
        corrected[place] = largest
    return corrected


def _chance(own: SegmentCount, wrong: float, listings: int) -> float:
    """The probability of so many wrong ones or more in the segment, if they fall on listings at random."""
    all_right = listings - round(wrong)
    own_right = own.listings - min(round(own.wrong), round(wrong))
    return min(chance_of_at_most(own_right, own.listings, all_right, listings), 1.0)
