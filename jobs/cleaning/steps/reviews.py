"""What reviewers have decided of each listing's present content."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import CATEGORY_DECISIONS


def standing_decisions(decisions: DataFrame) -> DataFrame:
    """The newest word of a person on each content: listing_id, content_hash, decision, reviewed_category, audit_chance.

    Decisions about other reasons than the category, and skipped ones, say nothing of it.
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
    """Add what a person has decided of the listing's present content; null where nobody has.

    decided_category is of any decision, audited_category only of those on listings that were drawn at random.

    Args:
        listings: listing_id, content_hash.
        standing: the output of `jobs.cleaning.steps.decide.standing_decisions`.
    """
    category = F.col("reviewed_category")
    decided = standing.select(
        "listing_id",
        "content_hash",
        category.alias("decided_category"),
        F.when(F.col("audit_chance").isNotNull(), category).alias("audited_category"),
    )
    return listings.join(decided, ["listing_id", "content_hash"], "left")
