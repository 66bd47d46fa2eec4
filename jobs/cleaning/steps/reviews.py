"""Reviewers' decisions about the current content of each listing."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.decisions import CATEGORY_DECISIONS, STATUS_AFTER, UNDECIDED, Decision


def standing_decisions(decisions: DataFrame) -> DataFrame:
    """The decisions that stand: without skip, reopen and what reopen has taken back, known and second opinions.

    Each reopen takes back the last decision about its listing and content that stands before it, so two of them take
    back the last two. One that finds none does nothing.

    Args:
        decisions: rows of review_decisions.

    Returns:
        Some of the rows, with the same columns.
    """
    stands = F.col("decision").isin(*(decision.value for decision in STATUS_AFTER))
    meant = decisions.where(F.col("purpose").isNull() | ~F.col("purpose").isin(*UNDECIDED))
    meant = meant.where(stands | (F.col("decision") == Decision.REOPEN.value))
    # Like brackets: a decision is taken back if fewer stand at some later time than just after it.
    in_order = Window.partitionBy("listing_id", "content_hash").orderBy("decided_at", "decision_id")
    later = in_order.rowsBetween(1, Window.unboundedFollowing)
    height = F.sum(F.when(stands, 1).otherwise(-1)).over(in_order)
    marked = meant.withColumn("_height", height).withColumn("_lowest_later", F.min("_height").over(later))
    kept = stands & (F.col("_lowest_later").isNull() | (F.col("_lowest_later") >= F.col("_height")))
    return marked.where(kept).select(*decisions.columns)


def latest_decisions(decisions: DataFrame) -> DataFrame:
    """The newest decision about the category of each listing and content.

    Args:
        decisions: the output of `standing_decisions`. Decisions about other reasons are ignored.

    Returns:
        listing_id, content_hash, decision, reviewed_category, audit_chance, decided_on (a date) and published_category;
        one row per listing and content.
    """
    about_category = decisions.where(F.col("reason").isNull() & F.col("decision").isin(*CATEGORY_DECISIONS))
    newest = Window.partitionBy("listing_id", "content_hash").orderBy(
        F.col("decided_at").desc(), F.col("decision_id").desc()
    )
    return (
        about_category.withColumn("rank", F.row_number().over(newest))
        .where("rank = 1")
        .select(
            "listing_id",
            "content_hash",
            "decision",
            F.col("category").alias("reviewed_category"),
            "audit_chance",
            F.to_date("decided_at").alias("decided_on"),
            "published_category",
        )
    )


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
        decided: with listing_id and content_hash.
        decisions: the output of `standing_decisions`. The decision skip is ignored.

    Returns:
        `decided` with two columns. `answers`: an array of structs (decided_at, decision_id, reason, status), newest
        first, null without answers; reason is null for an answer about the category, status is the resulting
        `ItemStatus`. `settled_reasons`: the names of the reasons that were answered individually; may be empty.
    """
    statuses = F.create_map(*(F.lit(word.value) for pair in STATUS_AFTER.items() for word in pair))
    answer = F.struct("decided_at", "decision_id", "reason", statuses[F.col("decision")].alias("status"))
    by_content = (
        decisions.where(F.col("decision").isin(*(decision.value for decision in STATUS_AFTER)))
        .groupBy("listing_id", "content_hash")
        .agg(
            F.sort_array(F.collect_list(answer), asc=False).alias("answers"),
            F.collect_set("reason").alias("settled_reasons"),
        )
    )
    none = F.array().cast("array<string>")
    return decided.join(by_content, ["listing_id", "content_hash"], "left").withColumn(
        "settled_reasons", F.coalesce("settled_reasons", none)
    )
