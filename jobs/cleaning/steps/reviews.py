"""Reviewers' decisions about the current content of each listing."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.cleaning.steps.judged import judged_hash
from schemas.decisions import CATEGORY_DECISIONS, LEADS, STATUS_AFTER, UNDECIDED, Decision, Purpose


def standing_decisions(decisions: DataFrame) -> DataFrame:
    """The decisions that stand: without skip, reopen and what reopen has taken back, known and second opinions.

    A reopen takes back the decision that it names. One that names none takes back the last decision about its listing
    and content that stands before it, so two of them take back the last two. One that finds none does nothing.

    Args:
        decisions: rows of review_decisions.

    Returns:
        Some of the rows, with the same columns.
    """
    stands = F.col("decision").isin(*(decision.value for decision in STATUS_AFTER))
    meant = _not_taken_back(decisions).where(F.col("purpose").isNull() | ~F.col("purpose").isin(*UNDECIDED))
    meant = meant.where(stands | (F.col("decision") == Decision.REOPEN.value))
    # Like brackets: a decision is taken back if fewer stand at some later time than just after it.
    in_order = Window.partitionBy("listing_id", "content_hash").orderBy("decided_at", "decision_id")
    later = in_order.rowsBetween(1, Window.unboundedFollowing)
    height = F.sum(F.when(stands, 1).otherwise(-1)).over(in_order)
    marked = meant.withColumn("_height", height).withColumn("_lowest_later", F.min("_height").over(later))
    kept = stands & (F.col("_lowest_later").isNull() | (F.col("_lowest_later") >= F.col("_height")))
    return marked.where(kept).select(*decisions.columns)


def latest_decisions(decisions: DataFrame) -> DataFrame:
    """The decision that holds about the category of each listing and content: a lead's newest, else the newest.

    Args:
        decisions: the output of `standing_decisions`. Decisions about other reasons are ignored.

    Returns:
        listing_id, content_hash, decision, reviewed_category, audit_chance, decided_on (a date), published_category and
        by_lead (a boolean); one row per listing and content.
    """
    about_category = decisions.where(_is_about_category())
    by_lead = F.coalesce(F.col("reviewer_role").isin(*LEADS), F.lit(False))
    newest = Window.partitionBy("listing_id", "content_hash").orderBy(
        F.desc("by_lead"), F.col("decided_at").desc(), F.col("decision_id").desc()
    )
    return (
        about_category.withColumn("by_lead", by_lead)
        .withColumn("rank", F.row_number().over(newest))
        .where("rank = 1")
        .select(
            "listing_id",
            "content_hash",
            "decision",
            F.col("category").alias("reviewed_category"),
            "audit_chance",
            F.to_date("decided_at").alias("decided_on"),
            "published_category",
            "by_lead",
        )
    )


def without_disputed(latest: DataFrame, decisions: DataFrame) -> DataFrame:
    """Leave out decisions that a second opinion contradicts, unless a lead made them: neither is a certain label.

    Args:
        latest: the output of `latest_decisions`.
        decisions: rows of review_decisions.
    """
    opinions = _second_opinions(decisions)
    opinions = opinions.select("listing_id", "content_hash", F.col("category").alias("second_category"))
    differs = (F.col("second_category") != F.col("reviewed_category")) & ~F.col("by_lead")
    disputed = latest.join(opinions, ["listing_id", "content_hash"]).where(differs)
    return latest.join(disputed.select("listing_id", "content_hash"), ["listing_id", "content_hash"], "left_anti")


def with_answers_to_both(listings: DataFrame, decisions: DataFrame) -> DataFrame:
    """Add what everybody says about the category of the current content, where there is a second opinion.

    Args:
        listings: with listing_id and content_hash.
        decisions: rows of review_decisions.

    Returns:
        `listings` with answers_to_both, an array of structs (reviewer, category): each reviewer's last answer; null
        without a second opinion.
    """
    content = ["listing_id", "content_hash"]
    opinions = _second_opinions(decisions)
    answers = standing_decisions(decisions).where(_is_about_category()).unionByName(opinions)
    newest = Window.partitionBy(*content, "reviewer").orderBy(F.col("decided_at").desc(), F.col("decision_id").desc())
    last = answers.withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    asked = last.join(opinions.select(*content).distinct(), content, "left_semi")
    given = F.sort_array(F.collect_list(F.struct("reviewer", "category"))).alias("answers_to_both")
    return listings.join(asked.groupBy(*content).agg(given), content, "left")


def _second_opinions(decisions: DataFrame) -> DataFrame:
    """The second opinions about categories that are not taken back."""
    return _not_taken_back(decisions).where((F.col("purpose") == Purpose.SECOND.value) & _is_about_category())


def _not_taken_back(decisions: DataFrame) -> DataFrame:
    """The decisions that no reopen names, without these reopens."""
    named = decisions.where("reopens IS NOT NULL").select(F.col("reopens").alias("decision_id")).distinct()
    return decisions.where("reopens IS NULL").join(F.broadcast(named), "decision_id", "left_anti")


def _is_about_category() -> Column:
    return F.col("reason").isNull() & F.col("decision").isin(*CATEGORY_DECISIONS)


def with_decisions(listings: DataFrame, decisions: DataFrame) -> DataFrame:
    """Add the category that a reviewer has decided for the current content; null without a decision.

    Args:
        listings: with listing_id and content_hash.
        decisions: the output of `latest_decisions`.

    Returns:
        `listings` with decided_category (from any decision) and audited_category (from answers to the audit).
    """
    category = F.col("reviewed_category")
    decided = decisions.select(
        "listing_id",
        "content_hash",
        category.alias("decided_category"),
        F.when(F.col("audit_chance").isNotNull(), category).alias("audited_category"),
    )
    return listings.join(decided, ["listing_id", "content_hash"], "left")


def with_answers(decided: DataFrame, decisions: DataFrame) -> DataFrame:
    """Add reviewers' answers about the current content of each listing.

    Args:
        decided: with listing_id, content_hash and the columns that `judged_hash` reads.
        decisions: the output of `standing_decisions`. The decision skip is ignored.

    Returns:
        `decided` with three columns. `answers`: an array of structs (decided_at, decision_id, reason, judged_hash,
        status), newest first, null without answers; reason is null for an answer about the category, status is the
        resulting `ItemStatus`. `settled_reasons`: the names of the reasons that were answered individually, for the
        values that the listing has now; `outdated_reasons`: those answered for other values only. Both may be empty.
    """
    statuses = F.create_map(*(F.lit(word.value) for pair in STATUS_AFTER.items() for word in pair))
    status = statuses[F.col("decision")].alias("status")
    answer = F.struct("decided_at", "decision_id", "reason", "judged_hash", status)
    by_content = (
        decisions.where(F.col("decision").isin(*(decision.value for decision in STATUS_AFTER)))
        .groupBy("listing_id", "content_hash")
        .agg(
            F.sort_array(F.collect_list(answer), asc=False).alias("answers"),
        )
    )

    def holds(answer: Column) -> Column:
        return answer["judged_hash"].isNull() | (answer["judged_hash"] == judged_hash(answer["reason"]))

    about_reasons = F.filter("answers", lambda answer: answer["reason"].isNotNull())
    reasons, settled = (
        F.array_distinct(F.transform(chosen, lambda answer: answer["reason"]))
        for chosen in (about_reasons, F.filter(about_reasons, holds))
    )
    none = F.array().cast("array<string>")
    return decided.join(by_content, ["listing_id", "content_hash"], "left").withColumns(
        {
            "settled_reasons": F.coalesce(settled, none),
            "outdated_reasons": F.coalesce(F.array_except(reasons, settled), none),
        }
    )
