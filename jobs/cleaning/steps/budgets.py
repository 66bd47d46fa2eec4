"""How many items of the work list people are expected to review: a budget for each queue."""

from __future__ import annotations

import math
from typing import NamedTuple

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from conf.review_settings import ReviewSettings
from jobs.cleaning.steps.queue import has_any
from schemas.reasons import CATEGORY_REASONS, Reason


class Budgets(NamedTuple):
    """Numbers of items.

    Attributes:
        category: of items with a question about the category.
        other: of items without one.
    """

    category: int
    other: int


def review_budgets(settings: ReviewSettings, listings: int) -> Budgets:
    """The budgets that the settings give for a number of listings."""
    return Budgets(
        settings.queue_items or math.ceil(settings.queue_share * listings),
        settings.other_items or math.ceil(settings.other_share * listings),
    )


def with_budget(items: DataFrame, budgets: Budgets) -> DataFrame:
    """Add `in_budget`: whether an item is among the most urgent ones of its queue, as many as its budget allows.

    In the category queue, referred listings come first; then, in both queues, the higher priority, then the smaller
    listing_id. Items of the audit sample are always in the budget, beside the others, because the figures of the audit
    need their answers. A budget drops no item.

    Args:
        items: listing_id, reasons, priority and `is_referred`.
        budgets: the budgets.
    """
    added = {"asks": has_any(*CATEGORY_REASONS), "is_drawn": has_any(Reason.AUDIT_SAMPLE)}
    in_order = Window.partitionBy(*added).orderBy(
        (F.col("asks") & F.col("is_referred")).desc(), F.col("priority").desc(), "listing_id"
    )
    ranked = items.withColumns(added).withColumn("rank", F.row_number().over(in_order))
    budget = F.when(F.col("asks"), budgets.category).otherwise(budgets.other)
    within = (F.col("rank") <= budget) | F.col("is_drawn")
    return ranked.withColumn("in_budget", within).drop(*added, "rank")
