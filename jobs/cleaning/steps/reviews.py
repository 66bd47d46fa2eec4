"""Reviewers' decisions about the current content of each listing."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import CATEGORY_DECISIONS, STATUS_AFTER


def latest_decisions(decisions: DataFrame) -> DataFrame:
    """The newest decision about the category of each listing and content.

    Args:
        decisions: rows of review_decisions. The decision skip and decisions about other reasons are ignored.

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
        decisions: rows of review_decisions. The decision skip is ignored.

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
