"""Which decisions are explained, which explanations still hold, and what speaks for each suggestion."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.cleaning.steps.queue import has_any
from schemas.reasons import CATEGORY_REASONS, CategoryAction, CategorySource, ImageStatus

QUESTION = (
    "listing_id",
    "content_hash",
    "model_version",
    "category",
    "suggested_category",
    "category_action",
    "category_source",
)
"""What an explanation is about. It holds while all of these are the same."""
EXEMPLARS = 20
"""Listings of a category among which the most similar ones are searched."""
_SURE = 0.9
"""Posterior of its label from which a listing may be an exemplar."""
_PART = 5_000
"""Listings of a category that are compared with its exemplars at once; bounds a worker's memory."""


def decisions_to_explain(decided: DataFrame, model_version: str) -> DataFrame:
    """The listings that are corrected, referred or on the work list with a question about the category.

    Args:
        decided: the listings that a run has decided, with `reasons`.
        model_version: the model.

    Returns:
        `QUESTION`, in_taxonomy, suggested_posterior, and seller_error_rate and seller_listings (null without a seller).
        The suggestion is the category that is shown in the place of the seller's, otherwise the most probable other
        one; null if there is none.
    """
    is_open = F.col("category_action") != CategoryAction.KEPT.value
    asked = decided.where(is_open | has_any(*CATEGORY_REASONS))
    others = F.filter("suggested_categories", lambda each: ~each["category"].eqNullSafe(F.col("category")))
    corrected = F.col("category_action") == CategoryAction.CORRECTED.value
    suggestion = F.when(corrected, F.col("effective_category")).otherwise(F.get(others, F.lit(0))["category"])
    has_record = F.col("seller_id").isNotNull() & F.col("seller_listings").isNotNull()
    asked = asked.withColumns({"suggested_category": suggestion, "model_version": F.lit(model_version)})
    return asked.select(
        *QUESTION,
        "in_taxonomy",
        _probability("suggested_categories", "suggested_category").alias("suggested_posterior"),
        F.when(has_record, F.col("error_rate")).alias("seller_error_rate"),
        F.when(has_record, F.col("seller_listings")).alias("seller_listings"),
    )


def divide_known(asked: DataFrame, before: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The rows of explanations that still hold, and the rows of `asked` that have none.

    Args:
        asked: the output of `decisions_to_explain`.
        before: rows of explanations.
    """
    same = F.lit(True)
    for name in QUESTION:
        same &= F.col(f"old.{name}").eqNullSafe(F.col(f"new.{name}"))
    # Equal by the id first, so that Spark hashes instead of comparing all with all.
    by_id = F.col("old.listing_id") == F.col("new.listing_id")
    kept = before.alias("old").join(asked.alias("new"), by_id & same, "left_semi")
    return kept, asked.alias("new").join(before.alias("old"), by_id & same, "left_anti")


def with_predictions(asked: DataFrame, predictions: DataFrame) -> DataFrame:
    """Add what text and picture say: text_suggested, text_seller, image_suggested and image_seller.

    Args:
        asked: the columns of `QUESTION`, and in_taxonomy.
        predictions: rows of predictions.
    """
    keys = ["listing_id", "content_hash"]
    joined = asked.join(predictions.select(*keys, "text_top", "image_top"), keys, "left")
    said = {
        f"{branch}_{side}": F.when(is_asked, _probability(f"{branch}_top", category))
        for branch in ("text", "image")
        for side, category, is_asked in (
            ("suggested", "suggested_category", F.col("suggested_category").isNotNull()),
            ("seller", "category", F.col("in_taxonomy")),
        )
    }
    return joined.withColumns(said).drop("text_top", "image_top")


def exemplars(decided: DataFrame, asked: DataFrame, overall: float) -> DataFrame:
    """Listings of the suggested categories that are surely right, at most `EXEMPLARS` of each.

    People have chosen their category, or seller and model agree on it, the seller errs no more than others, and nothing
    is flagged. People's come first, then those with a picture, then chance by hash.

    Args:
        decided: all listings of the publication, with `reasons`.
        asked: the columns of `QUESTION`.
        overall: the error rate of all sellers.

    Returns:
        listing_id, content_hash and suggested_category.
    """
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    agreed = (
        (F.col("category_action") == CategoryAction.KEPT.value)
        & (F.col("predicted_category") == F.col("category"))
        & (F.col("label_posterior") >= _SURE)
        & F.col("seller_id").isNotNull()
        & (F.col("error_rate") <= overall)
    )
    # One row per category, so it is small for any catalogue.
    wanted = F.broadcast(asked.select("suggested_category").distinct())
    sure = decided.where((by_person | agreed) & (F.size("reasons") == 0))
    sure = sure.withColumn("suggested_category", F.col("effective_category")).join(
        wanted, "suggested_category", "left_semi"
    )
    has_picture = F.coalesce(F.col("image_status") == ImageStatus.OK.value, F.lit(False))
    order = (by_person.desc(), has_picture.desc(), F.xxhash64("listing_id"), "listing_id")
    place = F.row_number().over(Window.partitionBy("suggested_category").orderBy(*order))
    few = sure.withColumn("place", place).where(F.col("place") <= EXEMPLARS)
    return few.select("listing_id", "content_hash", "suggested_category")


def in_parts(asked: DataFrame, chosen: DataFrame, rows: int) -> tuple[DataFrame, DataFrame]:
    """Add `part` to listings and exemplars; every part of a category's listings gets all its exemplars.

    Args:
        asked: listing_id and other columns.
        chosen: the exemplars.
        rows: number of rows of `asked`.
    """
    parts = rows // _PART + 1
    numbers = F.sequence(F.lit(0), F.lit(parts - 1))
    part = F.pmod(F.xxhash64("listing_id"), F.lit(parts)).cast("int")
    return asked.withColumn("part", part), chosen.withColumn("part", F.explode(numbers))


def _probability(ranked: str, category: str) -> Column:
    """The probability of a category in a ranked list: 0 if the list lacks it, null without a list."""
    found = F.filter(ranked, lambda each: each["category"] == F.col(category))
    return F.when(F.col(ranked).isNotNull(), F.coalesce(F.get(found, F.lit(0))["probability"], F.lit(0.0)))
