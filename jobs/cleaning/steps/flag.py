"""The work list: which listings people should review, why, and in which order."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.review_settings import PriorityWeights
from jobs.cleaning.steps.budgets import Budgets, with_budget
from jobs.cleaning.steps.priorities import weigh
from jobs.cleaning.steps.queue import error_probability, has_any
from jobs.cleaning.steps.reason_rules import PROBABILITIES, RULES, RuleContext
from jobs.cleaning.steps.sellers import label_posterior
from schemas.reasons import (
    ANSWERED_BY_CATEGORY,
    CATEGORY_REASONS,
    NOVEL,
    OUTDATED,
    WITHHELD,
    CategoryAction,
    ItemStatus,
    PersonalData,
    Reason,
)
from schemas.tables import FLAGGED_ITEMS


def mismatch_probability(decided: DataFrame, mismatch_rate: float) -> DataFrame:
    """Add `mismatch_probability`: the probability, 0 to 1, that the picture shows something else.

    It is null without a usable picture.

    A two-component mixture: pictures of the category that text and label suggest, and, with weight `mismatch_rate`,
    pictures drawn at random.
    """
    label = label_posterior(F.col("text_label_support"), F.col("text_other_support"), F.col("error_rate"))
    ratio = label * F.col("image_label_ratio") + (1 - label) * F.col("image_other_ratio")
    return decided.withColumn("mismatch_probability", mismatch_rate / (mismatch_rate + (1 - mismatch_rate) * ratio))


def find_reasons(decided: DataFrame, context: RuleContext) -> DataFrame:
    """Add `reasons`: the sorted names of the reasons that rules raise and no reviewer has settled; may be empty.

    Args:
        decided: the output of `mismatch_probability`, `jobs.cleaning.steps.reviews.with_answers` and
            `jobs.cleaning.steps.audit_sample.mark_audit`.
        context: the other inputs of the rules.
    """
    raised = F.array_compact(F.array(*(F.when(rule(context), reason.value) for reason, rule in RULES.items())))
    return decided.withColumn("reasons", F.array_sort(F.array_except(raised, F.col("settled_reasons"))))


def flagged_items(
    decided: DataFrame,
    before: DataFrame,
    formats: DataFrame,
    run_date: dt.date,
    suggestions: int,
    audit_chance: float,
    budgets: Budgets,
    weights: PriorityWeights,
) -> DataFrame:
    """Rows of the table flagged_items, without run_id and run_date.

    Each listing with a reason is an open item. An item of the base publication whose reasons are all settled is kept
    with the status that the reviewers gave it, until the listing's content changes.

    Args:
        decided: the output of `find_reasons`.
        before: flagged_items of the base publication.
        formats: listing_id, content_hash and image_format of pictures whose format is not read, one row each.
        run_date: date of the run.
        suggestions: maximum number of suggested categories.
        audit_chance: probability of each listing to be drawn for the audit sample, 0 to 1.
        budgets: how many items people are expected to review.
        weights: what counts for the order besides the probability of an error.
    """
    since = before.where(F.col("status") == ItemStatus.OPEN.value).select("listing_id", "first_run_date")
    flagged = decided.where(F.size("reasons") > 0).join(since, "listing_id", "left")
    flagged = flagged.join(formats, ["listing_id", "content_hash"], "left")
    flagged = weigh(flagged.withColumn("priority", _priority()), weights)
    open_items = flagged.select(
        "listing_id",
        "reasons",
        F.slice("suggested_categories", 1, suggestions).alias("suggested_categories"),
        "priority",
        _explanation().alias("explanation"),
        F.when(F.array_contains("reasons", Reason.AUDIT_SAMPLE.value), F.lit(audit_chance)).alias("audit_chance"),
        F.lit(ItemStatus.OPEN.value).alias("status"),
        "content_hash",
        F.coalesce("first_run_date", F.lit(run_date)).alias("first_run_date"),
        (F.col("category_action") == CategoryAction.REFERRED.value).alias("is_referred"),
        _suggested_price().alias("suggested_price"),
    )
    open_items = with_budget(open_items, budgets).drop("is_referred")
    closed_items = _closed_items(decided, before).withColumn("in_budget", F.lit(False))
    return open_items.unionByName(closed_items)


def _closed_items(decided: DataFrame, before: DataFrame) -> DataFrame:
    """The items of the base publication whose reasons are all settled by reviewers.

    The newest answer about one of an item's reasons gives its status.
    """
    answered = decided.where((F.size("reasons") == 0) & F.col("answers").isNotNull())
    about_category = has_any(*ANSWERED_BY_CATEGORY)

    def is_about_item(answer: Column) -> Column:
        return F.when(answer["reason"].isNull(), about_category).otherwise(
            F.array_contains("reasons", answer["reason"])
        )

    newest = F.get(F.filter("answers", is_about_item), F.lit(0))
    kept = [name for name in FLAGGED_ITEMS.names if name not in ("run_id", "run_date", "in_budget")]
    items = before.join(answered.select("listing_id", "content_hash", "answers"), ["listing_id", "content_hash"])
    return items.withColumn("status", newest["status"]).where(F.col("status").isNotNull()).select(*kept)


def _suggested_price() -> Column:
    """What prices of the category usually are; null unless the listing's price is an outlier."""
    usual = F.struct(*(F.col(f"usual_price.{part}") for part in ("median", "lower", "upper", "listings")))
    is_outlier = F.array_contains("reasons", Reason.PRICE_OUTLIER.value)
    return F.when(is_outlier & F.col("usual_price").isNotNull(), usual)


def _amount(part: str) -> Column:
    """A usual price as text, without thousands separators."""
    return F.format_string("%.2f", F.col(f"usual_price.{part}"))


def _priority() -> Column:
    """The probability of a wrong category if a reason is about the category; else the severity of the worst reason."""

    def severity(reason: Reason, maximum: float) -> Column:
        weight = F.col(PROBABILITIES[reason]) * maximum if reason in PROBABILITIES else F.lit(maximum)
        return F.when(F.array_contains("reasons", reason.value), weight).otherwise(0.0)

    others = (severity(reason, reason.severity) for reason in RULES if reason.severity is not None)
    return F.when(has_any(*CATEGORY_REASONS), error_probability()).otherwise(F.greatest(*others))


def _explanation() -> Column:
    words = F.create_map(*(F.lit(text) for reason in Reason for text in (reason.value, reason.explanation)))
    novel = F.when(F.col("novel") & has_any(*CATEGORY_REASONS), F.lit(NOVEL))
    usual = F.concat(
        words[Reason.PRICE_OUTLIER.value],
        F.lit(": half of "),
        F.col("usual_price.listings").cast("string"),
        F.lit(" prices are between "),
        _amount("lower"),
        F.lit(" and "),
        _amount("upper"),
        F.lit(", the median is "),
        _amount("median"),
    )
    worn = F.concat(
        F.lit("words and picture suggest the condition "),
        F.col("likely_condition"),
        F.lit(", and the seller states "),
        F.col("condition"),
    )
    double = F.concat(words[Reason.DUPLICATE.value], F.lit(" (listing_id "), F.col("duplicate_of"), F.lit(")"))
    unread = F.concat(words[Reason.CORRUPT_IMAGE.value], F.lit(", because its format is "), F.col("image_format"))
    kinds = F.create_map(*(F.lit(text) for kind in PersonalData for text in (kind.value, kind.words)))
    found = F.array_join(F.transform("personal_data", lambda kind: kinds[kind]), " and ")

    def explain(reason: Column) -> Column:
        is_unread = (reason == Reason.CORRUPT_IMAGE.value) & F.col("image_format").isNotNull()
        is_withheld = (reason == Reason.WRONG_CATEGORY.value) & F.col("withheld")
        is_far = (reason == Reason.PRICE_OUTLIER.value) & F.col("usual_price").isNotNull()
        is_double = reason == Reason.DUPLICATE.value
        is_worn = (reason == Reason.CONDITION_MISMATCH.value) & (F.col("likely_condition") != F.col("condition"))
        is_personal = (reason == Reason.PERSONAL_DATA.value) & (F.size("personal_data") > 0)
        special = F.when(is_unread, unread).when(is_withheld, WITHHELD).when(is_far, usual).when(is_double, double)
        special = special.when(is_worn, worn)
        special = special.when(is_personal, F.concat(F.lit("the text contains "), found)).otherwise(words[reason])
        is_outdated = F.array_contains("outdated_reasons", reason)
        return F.concat(special, F.when(is_outdated, F.lit(f" ({OUTDATED})")).otherwise(""))

    return F.concat_ws("; ", F.transform("reasons", explain), novel)
