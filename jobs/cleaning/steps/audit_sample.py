"""The random audit sample: which listings are drawn, since when, and whose answers say how many errors there are."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.reasons import CategorySource

_DRAWS = 1 << 30
_DRAW_BITS = 30
"""The draw is taken from the low bits of a hash, the day from those above, so that one says nothing about the other."""


def mark_audit(decided: DataFrame, run_date: dt.date, chance: float) -> DataFrame:
    """Find the listings of the audit sample, and what their answers say about the other listings.

    Every listing has a day in each month, and on this day it is drawn or not. Both follow from a hash of listing_id and
    month, independently of the model and of all decisions. A draw holds until the listing's day in the next month. So
    the sample of a run is a simple random sample of its listings, a part of it is new every night, and reviewers have a
    month to answer an item.

    Decisions made before a listing's day are known, whether it was drawn or not. All other listings are represented by
    the drawn ones among them. What people decide on the work list after that day does not bias the sample, because it
    does not depend on the draw.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide`, with what a publication shows about listings that
            stay as they are.
        run_date: date of the run.
        chance: probability of each listing to be drawn, 0 to 1.

    Returns:
        `decided` without decided_on, published_category and audit_chance, with `drawn`; `known` (a person had decided
        before the listing's day); `audited` (drawn, and decided by a person who was asked for the audit); and
        `judged_category`, the category that an answer judges: the one that was published before a person decided.
    """
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    this_month, last_month = _Month(run_date), _Month(run_date.replace(day=1) - dt.timedelta(days=1))
    due = this_month.day <= run_date.day
    day = F.when(due, this_month.date).otherwise(last_month.date)
    drawn = F.when(due, this_month.draw).otherwise(last_month.draw) < F.lit(int(chance * _DRAWS))
    known = by_person & F.coalesce(F.col("decided_on") < day, F.lit(False))
    # Decisions loaded by earlier versions do not tell what was published before them.
    before = F.coalesce("published_category", "unreviewed_category")
    # If the chance rises, people have answered some of the listings that are now drawn without being asked for the
    # audit, because they were on the work list. These are no random part of them.
    asked = F.col("audit_chance").isNotNull()
    return (
        decided.withColumns({"drawn": drawn, "known": known})
        .withColumn("audited", F.col("drawn") & by_person & ~F.col("known") & asked)
        .withColumn("judged_category", F.when(by_person, before).otherwise(F.col("effective_category")))
        .drop("decided_on", "published_category", "audit_chance")
    )


class _Month:
    """The draws of a month.

    Attributes:
        draw: a uniform integer, 0 to `_DRAWS` - 1.
        day: the listing's day, 1 to 31.
        date: its date.
    """

    def __init__(self, date: dt.date) -> None:
        hashed = F.xxhash64(F.lit(f"audit {date:%Y-%m}"), "listing_id")
        days = monthrange(date.year, date.month)[1]
        self.draw: Column = F.pmod(hashed, F.lit(_DRAWS))
        self.day: Column = (F.pmod(F.shiftright(hashed, _DRAW_BITS), F.lit(days)) + 1).cast("int")
        self.date: Column = F.date_add(F.lit(date.replace(day=1)), self.day - 1)
