"""The category queue, filled with the least certain listings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.reasons import CATEGORY_REASONS, CategoryAction, CategorySource, Reason

_STEPS = 200
"""Number of bins per factor e of the probability: the threshold is accurate to half a percent of its value."""
_EPSILON = 1e-12


def error_probability() -> Column:
    """The probability that the effective category is wrong, 0 to 1."""
    return 1 - F.col("category_confidence")


def has_any(*reasons: Reason, column: str = "reasons") -> Column:
    """Whether a column of names of reasons contains at least one of some reasons."""
    return F.arrays_overlap(column, F.array(*(F.lit(reason.value) for reason in reasons)))


class ErrorBin(NamedTuple):
    """Listings with about the same probability of a wrong category.

    Attributes:
        bin: natural logarithm of the probability in steps of 1/200, rounded down.
        listings: number of listings, at least 1.
        referred: number of referred listings without an answer, which are always in the category queue.
        others: number of kept or corrected listings without an answer.
    """

    bin: int
    listings: int
    referred: int
    others: int


def error_bins(decided: DataFrame) -> DataFrame:
    """Count the listings by their probability of a wrong category: rows of `ErrorBin`, at most a few thousand.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide` and `jobs.cleaning.steps.reviews.with_answers`.
    """
    bin_ = F.floor(F.log(F.greatest(error_probability(), F.lit(_EPSILON))) * _STEPS)
    settled = has_any(*CATEGORY_REASONS, column="settled_reasons")
    unanswered = (F.col("category_source") != CategorySource.REVIEWER.value) & ~settled
    referred = F.col("category_action") == CategoryAction.REFERRED.value
    return decided.groupBy(bin_.alias("bin")).agg(
        F.count(F.lit(1)).alias("listings"),
        F.count_if(unanswered & referred).alias("referred"),
        F.count_if(unanswered & ~referred).alias("others"),
    )


def queue_threshold(bins: Sequence[ErrorBin], share: float) -> float:
    """Find the probability of an error from which a listing enters the category queue.

    Referred listings are always in the queue. Kept and corrected listings fill it up, least certain first.

    Args:
        bins: the rows of `error_bins`, in any order.
        share: length of the queue as a share of the catalogue, 0 to 1.

    Returns:
        A probability; above 1 if the referred listings alone fill the queue.
    """
    room = share * sum(each.listings for each in bins) - sum(each.referred for each in bins)
    lowest = None
    for each in sorted(bins, reverse=True):
        room -= each.others
        if room < 0:
            break
        lowest = each.bin
    return 2.0 if lowest is None else math.exp(lowest / _STEPS)
