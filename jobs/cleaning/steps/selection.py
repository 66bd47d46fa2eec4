"""Selects the usable listings of a run and those that have no prediction yet."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.reasons import NO_TITLE, QuarantineReason
from udfs.titles import title_status


def split_usable(listings: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Split listings into usable ones and rows of the table quarantine, without the run's columns.

    `ingest` loads only usable rows, but another program may write to the table.
    """
    reasons = F.array_compact(
        F.array(
            F.when(
                F.trim("listing_id").isNull() | (F.trim("listing_id") == ""), QuarantineReason.MISSING_LISTING_ID.value
            ),
            F.when(F.col("updated_at").isNull(), QuarantineReason.MISSING_UPDATED_AT.value),
            F.when(F.col("content_hash").isNull() | F.col("bucket").isNull(), QuarantineReason.MALFORMED_ROW.value),
        )
    )
    checked = listings.withColumn("reasons", reasons)
    bad = checked.where(F.size("reasons") > 0)
    row_number = F.xxhash64(F.to_json(F.struct(*listings.columns)))
    quarantined = bad.select(
        "listing_id", row_number.alias("row_number"), "reasons", F.to_json(F.struct(*listings.columns)).alias("raw")
    )
    return checked.where(F.size("reasons") == 0).drop("reasons"), quarantined


def without_texts(listings: DataFrame, *others: str) -> DataFrame:
    """Reduce listings to the few bytes that decisions need. A run caches them and reads the texts again at its end.

    Args:
        listings: usable listings with `in_taxonomy`.
        others: names of other columns to keep.

    Returns:
        listing_id, content_hash, category, in_taxonomy, seller_id, title_status (`schemas.reasons.TitleStatus`), price,
        currency, condition, exposure, has_description and has_image; then `others`.
    """
    return listings.select(
        "listing_id",
        "content_hash",
        "category",
        "in_taxonomy",
        "seller_id",
        title_status(F.col("title")).alias("title_status"),
        "price",
        "currency",
        "condition",
        "exposure",
        (F.trim(F.coalesce("description", F.lit(""))) != "").alias("has_description"),
        F.col("image_hash").isNotNull().alias("has_image"),
        *others,
    )


def with_texts(decided: DataFrame, listings: DataFrame) -> DataFrame:
    """Add the columns of clean_listings that `decided` lacks: texts, time and URI.

    Args:
        decided: one row per listing.
        listings: the same listings with all columns.
    """
    shown = [name for name in ("title", "description", "updated_at", "image_uri") if name not in decided.columns]
    return decided.join(listings.select("listing_id", *shown), "listing_id")


def input_gate_rows(listings: DataFrame, quarantined: DataFrame) -> DataFrame:
    """The rows that the input gate checks.

    Args:
        listings: the output of `without_texts`.
        quarantined: the quarantined rows of `split_usable`.

    Returns:
        listing_id, quarantined (1 or 0) and empty (1 if a listing has neither text nor picture, else 0).
    """
    empty = F.col("title_status").isin(*NO_TITLE) & ~F.col("has_description") & ~F.col("has_image")
    good = listings.select("listing_id", F.lit(0).alias("quarantined"), empty.cast("int").alias("empty"))
    return good.unionByName(quarantined.select("listing_id", F.lit(1).alias("quarantined"), F.lit(0).alias("empty")))


def reusable_predictions(
    predictions: DataFrame, listings: DataFrame, pictures: DataFrame, model_version: str, rules: str
) -> DataFrame:
    """The predictions of a model version for the current content of listings.

    A prediction without the picture, because it could not be read, is not reusable once the picture has been read. Nor
    is one whose texts were read by other rules, or by an earlier version, which did not read them for personal data.

    Args:
        predictions: rows of predictions.
        listings: listing_id and content_hash.
        pictures: listing_id, content_hash and image_status of the pictures as they are now; listings without a picture
            have no row.
        model_version: version of the model.
        rules: `udfs.personal_data.text_rules`.
    """
    keys = ["listing_id", "content_hash"]
    of_model = predictions.where((F.col("model_version") == model_version) & (F.col("text_rules") == rules))
    current = of_model.join(listings.select(*keys), keys, "left_semi")
    now = pictures.select(*(F.col(name).alias(f"picture_{name}") for name in (*keys, "image_status")))
    same = [F.col(key) == F.col(f"picture_{key}") for key in keys]
    return current.join(now, [*same, F.col("image_status") != F.col("picture_image_status")], "left_anti")


def unscored(listings: DataFrame, known: DataFrame) -> DataFrame:
    """listing_id and content_hash of listings without a prediction."""
    keys = ["listing_id", "content_hash"]
    return listings.select(*keys).join(known.select(*keys), keys, "left_anti")
