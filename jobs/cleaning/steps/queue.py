"""The category queue, filled to its budget with the least certain, and the random audit sample."""

from __future__ import annotations

import datetime as dt
import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.reasons import CategoryAction, CategorySource

_STEPS = 200
"""Bins a factor e of the probability of error: the queue is filled to within half a percent of that probability."""
_EPSILON = 1e-12
_DRAWS = 1 << 30


def error_probability() -> Column:
    """The probability that the effective category is wrong, 0 to 1."""
    return 1 - F.col("category_confidence")


def queue_threshold(decided: DataFrame, share: float) -> float:
    """The probability of error from which a listing is asked about, so that the category queue meets its budget.

    Referred listings are in the queue whatever it holds; the others, kept or corrected, fill it up, the least certain
    first. What a person has decided is not asked again.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide`.
        share: the budget, of the catalogue, 0 to 1.

    Returns:
        A probability; above 1 where the referred alone fill the queue.
    """
    bin_ = F.floor(F.log(F.greatest(error_probability(), F.lit(_EPSILON))) * _STEPS)
    asked = F.col("category_source") != CategorySource.REVIEWER.value
    referred = F.col("category_action") == CategoryAction.REFERRED.value
    rows = (
        decided.groupBy(bin_.alias("bin"))
        .agg(
            F.count(F.lit(1)).alias("listings"),
            F.count_if(asked & referred).alias("referred"),
            F.count_if(asked & ~referred).alias("others"),
        )
        .collect()
    )
    room = share * sum(row.listings for row in rows) - sum(row.referred for row in rows)
    lowest = None
    for row in sorted(rows, key=lambda r: -r.bin):
        room -= row.others
        if room < 0:
            break
        lowest = row.bin
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
