"""The category queue, filled to its budget with the least certain, and the random audit sample."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.reasons import CATEGORY_REASONS, CategoryAction, CategorySource

_STEPS = 200
"""Bins for each factor e of the probability: the threshold is exact to half a percent of itself."""
_EPSILON = 1e-12
_DRAWS = 1 << 30


def error_probability() -> Column:
    """The probability that the effective category is wrong, 0 to 1."""
    return 1 - F.col("category_confidence")


class ErrorBin(NamedTuple):
    """Listings with about the same probability of a wrong category.

    Attributes:
        bin: the probability's natural logarithm, in steps of 1/200, rounded down.
        listings: how many there are, 1 or more.
        referred: those of them that are referred, and in the category queue for that.
        others: those that are kept or corrected, and that no reviewer has answered.
    """

    bin: int
    listings: int
    referred: int
    others: int


def error_bins(decided: DataFrame) -> DataFrame:
    """Count the listings by their probability of a wrong category: rows of `ErrorBin`, a few thousand at most.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide` and `jobs.cleaning.steps.reviews.with_answers`.
    """
    bin_ = F.floor(F.log(F.greatest(error_probability(), F.lit(_EPSILON))) * _STEPS)
    settled = F.arrays_overlap("settled_reasons", F.array(*(F.lit(reason.value) for reason in CATEGORY_REASONS)))
    unanswered = (F.col("category_source") != CategorySource.REVIEWER.value) & ~settled
    referred = F.col("category_action") == CategoryAction.REFERRED.value
    return decided.groupBy(bin_.alias("bin")).agg(
        F.count(F.lit(1)).alias("listings"),
        F.count_if(unanswered & referred).alias("referred"),
        F.count_if(unanswered & ~referred).alias("others"),
    )


def queue_threshold(bins: Sequence[ErrorBin], share: float) -> float:
    """The probability of an error from which a listing is asked about, so that the category queue meets its budget.

    Referred listings are in the queue anyway. The others, kept or corrected, fill it up, the least certain first.

    Args:
        bins: the rows of `error_bins`, in any order.
        share: the budget, of the catalogue, 0 to 1.

    Returns:
        A probability; above 1 where the referred listings alone fill the queue.
    """
    room = share * sum(each.listings for each in bins) - sum(each.referred for each in bins)
    lowest = None
    for each in sorted(bins, reverse=True):
        room -= each.others
        if room < 0:
            break
        lowest = each.bin
    return 2.0 if lowest is None else math.exp(lowest / _STEPS)


def in_audit_sample(run_date: dt.date, chance: float) -> Column:
    """Whether a listing is drawn for the audit of the run's month, by a hash of its id and the month alone.

    Each listing's chance is the same, whatever the model thinks of it; within a month a rerun, and every night, draws
    the same listings, so that reviewers have time to answer; a new month draws anew.

    Args:
        run_date: the run's.
        chance: 0 to 1.
    """
    draw = F.pmod(F.xxhash64(F.lit(f"audit {run_date:%Y-%m}"), "listing_id"), F.lit(_DRAWS))
    return draw < F.lit(int(chance * _DRAWS))
