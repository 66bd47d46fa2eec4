"""The work list: which listings a person should look at, why, and in which order."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.queue import error_probability
from jobs.cleaning.steps.reason_rules import PROBABILITIES, RULES, RuleContext
from jobs.cleaning.steps.sellers import label_posterior
from schemas.reasons import CATEGORY_REASONS, NOVEL, Reason

_ASKS_CATEGORY = tuple(reason.value for reason in CATEGORY_REASONS)


def mismatch_probability(decided: DataFrame, mismatch_rate: float) -> DataFrame:
    """Add `mismatch`: the probability, 0 to 1, that the picture shows something else; null without a usable picture.

    A mixture of two: pictures of the category that text and label speak for, and pictures drawn at random, which are
    the share `mismatch_rate` of all.
    """
    label = label_posterior(F.col("text_label_support"), F.col("text_other_support"), F.col("error_rate"))
    ratio = label * F.col("image_label_ratio") + (1 - label) * F.col("image_other_ratio")
    return decided.withColumn("mismatch", mismatch_rate / (mismatch_rate + (1 - mismatch_rate) * ratio))


def find_reasons(decided: DataFrame, context: RuleContext) -> DataFrame:
    """Add `reasons`: the names of all reasons that the rules raise, sorted; empty where there is none.

    Args:
        decided: the output of `mismatch_probability`.
        context: what the rules need besides.
    """
    raised = (F.when(rule(context), reason.value) for reason, rule in RULES.items())
    return decided.withColumn("reasons", F.array_sort(F.array_compact(F.array(*raised))))


def flagged_items(
    decided: DataFrame, before: DataFrame, run_date: dt.date, suggestions: int, audit_chance: float
) -> DataFrame:
    """The listings with a reason, as rows of the table flagged_items (but run_id and run_date).

    Args:
        decided: the output of `find_reasons`.
        before: flagged_items of the base publication, for the date since when a listing is flagged.
        run_date: the run's.
        suggestions: how many categories are suggested.
        audit_chance: of every listing to be drawn for the audit sample.
    """
    flagged = decided.where(F.size("reasons") > 0)
    since = before.where("status = 'open'").select("listing_id", "first_run_date")
    return flagged.join(since, "listing_id", "left").select(
        "listing_id",
        "reasons",
        F.slice("suggested_categories", 1, suggestions).alias("suggested_categories"),
        _priority().alias("priority"),
        _explanation().alias("explanation"),
        F.when(F.array_contains("reasons", Reason.AUDIT_SAMPLE.value), F.lit(audit_chance)).alias("audit_chance"),
        F.lit("open").alias("status"),
        "content_hash",
        F.coalesce("first_run_date", F.lit(run_date)).alias("first_run_date"),
    )


def _asks_category() -> Column:
    return F.arrays_overlap("reasons", F.array(*(F.lit(name) for name in _ASKS_CATEGORY)))


def _priority() -> Column:
    """The probability of a wrong category where the category is asked about; else the severity of the worst reason."""

    def severity(reason: Reason, most: float) -> Column:
        weight = F.col(PROBABILITIES[reason]) * most if reason in PROBABILITIES else F.lit(most)
        return F.when(F.array_contains("reasons", reason.value), weight).otherwise(0.0)

    others = (severity(reason, reason.severity) for reason in RULES if reason.severity is not None)
    return F.when(_asks_category(), error_probability()).otherwise(F.greatest(*others))


def _explanation() -> Column:
    words = F.create_map(*(F.lit(text) for reason in Reason for text in (reason.value, reason.explanation)))
    novel = F.when(F.col("novel") & _asks_category(), F.lit(NOVEL))
    return F.concat_ws("; ", F.transform("reasons", lambda reason: words[reason]), novel)
