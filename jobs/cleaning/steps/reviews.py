"""What reviewers have decided of each listing's present content."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import CATEGORY_DECISIONS, STATUS_AFTER


def standing_decisions(decisions: DataFrame) -> DataFrame:
    """The newest decision about the category of each content.

    Args:
        decisions: rows of review_decisions. Skipped items, and decisions about another reason, do not count.

    Returns:
        listing_id, content_hash, decision, reviewed_category, audit_chance; one row a content.
    """
    about = decisions.where(F.col("reason").isNull() & F.col("decision").isin(*CATEGORY_DECISIONS))
    newest = Window.partitionBy("listing_id", "content_hash").orderBy(
        F.col("decided_at").desc(), F.col("decision_id").desc()
    )
    return (
        about.withColumn("rank", F.row_number().over(newest))
        .where("rank = 1")
        .select("listing_id", "content_hash", "decision", F.col("category").alias("reviewed_category"), "audit_chance")
    )


def with_decisions(listings: DataFrame, standing: DataFrame) -> DataFrame:
    """Add the category that a reviewer has decided for the listing's present content; null where nobody has.

    Args:
        listings: with listing_id and content_hash.
        standing: the output of `standing_decisions`.

    Returns:
        `listings` with decided_category, from any decision, and audited_category, from decisions on listings that were
        drawn at random.
    """
    category = F.col("reviewed_category")
    decided = standing.select(
        "listing_id",
        "content_hash",
        category.alias("decided_category"),
        F.when(F.col("audit_chance").isNotNull(), category).alias("audited_category"),
    )
    return listings.join(decided, ["listing_id", "content_hash"], "left")


def with_answers(decided: DataFrame, decisions: DataFrame) -> DataFrame:
    """Add what reviewers have answered about each listing's present content.

    Args:
        decided: with listing_id and content_hash.
        decisions: rows of review_decisions. Skipped items do not count.

    Returns:
        `decided` with `answers`, an array of structs (decided_at, decision_id, reason, status), the newest first, null
        where there are none; reason is null for an answer about the category, status is the `ItemStatus` that the
        answer gives an item. And with `settled_reasons`, the names of the reasons that were answered one by one,
        empty where there are none.
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
