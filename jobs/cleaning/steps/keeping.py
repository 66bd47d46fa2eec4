"""Listings that a run does not decide: they count in its thresholds and metrics as a publication shows them."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.quality import QUALITY_COLUMNS
from schemas.reasons import CategorySource

KEPT = "published"
"""Column with the values of a publication, as a struct; null for a listing that the run decides."""
DECISIONS = (
    "effective_category",
    "category_source",
    "category_action",
    "category_confidence",
    "best_category",
    "best_confidence",
    "predicted_category",
    "image_status",
    "rollout_arm",
    "language",
)
FINDINGS = ("reasons", *QUALITY_COLUMNS)


def published_values(clean: DataFrame, open_items: DataFrame, predictions: DataFrame) -> DataFrame:
    """What a publication shows about listings.

    Args:
        clean: rows of clean_listings.
        open_items: the open rows of flagged_items.
        predictions: rows of predictions. If several models have judged the content, the newest one counts; decisions
            do not depend on which.

    Returns:
        listing_id and `KEPT`, a struct of `DECISIONS` and `FINDINGS`.
    """
    keys = ["listing_id", "content_hash"]
    seen = F.struct(F.col("model_version").cast("long"), "model_version", "predicted_category", "image_status")
    newest = predictions.groupBy(*keys).agg(F.max(seen).alias("seen"))
    joined = clean.join(newest.select(*keys, "seen.predicted_category", "seen.image_status"), keys, "left")
    joined = joined.join(open_items.select("listing_id", "reasons"), "listing_id", "left")
    joined = joined.withColumn("reasons", F.coalesce("reasons", F.array().cast("array<string>")))
    return joined.select("listing_id", F.struct(*DECISIONS, *FINDINGS).alias(KEPT))


def keep_published(decided: DataFrame) -> DataFrame:
    """Replace what was decided about the listings that stay by what the publication shows.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide`, with `KEPT`.

    Returns:
        `decided`. If the model has no prediction for a listing that stays, `label_posterior` is that which the
        publication shows or, where it shows a correction, its highest possible value.
    """
    shown = F.col(KEPT)
    by_seller = shown["category_source"] == CategorySource.SELLER.value
    published = F.when(by_seller, shown["category_confidence"]).otherwise(1 - shown["best_confidence"])
    unknown = shown.isNotNull() & F.col("predicted_category").isNull()
    posterior = F.when(unknown, published).otherwise(F.col("label_posterior"))
    own = {"label_posterior": posterior, "withheld": F.col("withheld") & shown.isNull()}
    own["shadow"] = F.when(shown.isNull(), F.col("shadow"))
    return with_published(decided.withColumns(own), DECISIONS)


def with_published(decided: DataFrame, names: Iterable[str]) -> DataFrame:
    """Replace columns of the listings that stay by the values of the publication."""

    def value(name: str) -> Column:
        return F.when(F.col(KEPT).isNotNull(), F.col(KEPT)[name]).otherwise(F.col(name))

    return decided.withColumns({name: value(name) for name in names})


def decided_rows(decided: DataFrame) -> DataFrame:
    """The listings that the run decides."""
    return decided.where(F.col(KEPT).isNull()).drop(KEPT)
