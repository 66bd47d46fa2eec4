"""The work list: which listings a person should look at, why, and in which order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.queue import error_probability, in_audit_sample
from jobs.cleaning.steps.sellers import label_posterior
from schemas.reasons import CATEGORY_REASONS, EXPLANATIONS, NOVEL, CategoryAction, CategorySource, Reason
from udfs import consistency

# Where the category is not in question: how soon a person should look, below any doubtful category of like weight.
_SEVERITY = {
    Reason.CORRUPT_IMAGE: 0.3,
    Reason.MISSING_TITLE: 0.3,
    Reason.UNINFORMATIVE_TITLE: 0.25,
    Reason.BLANK_IMAGE: 0.25,
    Reason.MISSING_IMAGE: 0.2,
    Reason.AUDIT_SAMPLE: 0.35,  # few, and what all else is calibrated by
}


def mismatch_probability(decided: DataFrame, mismatch_rate: float) -> DataFrame:
    """Add `mismatch`: the probability, 0 to 1, that the picture shows something else; null without a usable picture.

    A mixture of two: pictures of the category that text and label speak for, and pictures drawn at random, which are
    the share `mismatch_rate` of all.
    """
    label = label_posterior(F.col("text_label_support"), F.col("text_other_support"), F.col("error_rate"))
    ratio = label * F.col("image_label_ratio") + (1 - label) * F.col("image_other_ratio")
    return decided.withColumn("mismatch", mismatch_rate / (mismatch_rate + (1 - mismatch_rate) * ratio))


@dataclass(frozen=True)
class Limits:
    """From where on a listing is flagged.

    Attributes:
        mismatch_at_least: probability, 0 to 1, of image_mismatch.
        refer_below: posterior, 0 to 1, of a standing category: low_confidence.
        queue_from: probability of an error, 0 to 1, that fills the category queue up: low_confidence, too.
        audit_chance: 0 to 1, of every listing to be drawn for the audit sample.
    """

    mismatch_at_least: float
    refer_below: float
    queue_from: float
    audit_chance: float


@dataclass(frozen=True)
class Present:
    """What the catalogue's listings have at all: what none of them has is missed from none."""

    titles: bool
    pictures: bool


def find_reasons(decided: DataFrame, limits: Limits, present: Present, run_date: dt.date) -> DataFrame:
    """Add `reasons`: every reason that the row, its picture's status, the posterior and the draw show, sorted by name.

    Args:
        decided: the output of `mismatch_probability`.
        limits: from where on.
        present: what listings have at all.
        run_date: the run's.
    """
    category = F.col("category")
    referred = F.col("category_action") == CategoryAction.REFERRED.value
    differs = category != F.col("best_category")
    guessed = F.col("category_source") != CategorySource.REVIEWER.value
    uncertain = referred & (F.col("novel") | (F.col("category_confidence") < limits.refer_below)) | (
        guessed & (error_probability() >= limits.queue_from)
    )
    rules: list[Column] = [
        F.when(guessed, consistency.missing_category(category)),
        F.when(guessed, consistency.unknown_category(category, F.col("in_taxonomy"))),
        F.when(referred & F.col("in_taxonomy") & differs, Reason.WRONG_CATEGORY.value),
        F.when(uncertain & ~(referred & F.col("in_taxonomy") & differs), Reason.LOW_CONFIDENCE.value),
        F.when(referred & F.col("touches_sensitive"), Reason.SENSITIVE_CATEGORY.value),
        F.when(F.lit(present.titles), consistency.missing_title(F.col("title"))),
        consistency.uninformative_title(F.col("title")),
        consistency.image_problem(F.col("image_status"), F.lit(present.pictures)),
        consistency.image_mismatch(F.col("mismatch"), limits.mismatch_at_least),
        F.when(guessed & in_audit_sample(run_date, limits.audit_chance), Reason.AUDIT_SAMPLE.value),
    ]
    return decided.withColumn("reasons", F.array_sort(F.array_compact(F.array(*rules))))


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


def _priority() -> Column:
    """The probability of a wrong category where the category is asked about; else the severity of the worst reason."""
    asks = F.arrays_overlap("reasons", F.array(*(F.lit(r.value) for r in CATEGORY_REASONS)))
    severity = F.greatest(
        F.lit(0.1),
        F.coalesce("mismatch", F.lit(0.0)) * 0.5,
        *(F.when(F.array_contains("reasons", r.value), s).otherwise(0.0) for r, s in _SEVERITY.items()),
    )
    return F.when(asks, error_probability()).otherwise(severity)


def _explanation() -> Column:
    words = F.create_map(*(F.lit(text) for reason, said in EXPLANATIONS.items() for text in (reason.value, said)))
    asked = F.col("novel") & F.arrays_overlap("reasons", F.array(*(F.lit(r.value) for r in CATEGORY_REASONS)))
    return F.concat_ws("; ", F.transform("reasons", lambda reason: words[reason]), F.when(asked, F.lit(NOVEL)))
