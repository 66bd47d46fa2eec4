"""The catalogue that a run reads: which rows can be used, and which have not been scored yet."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import NO_TITLE, ImageStatus, QuarantineReason
from udfs.titles import title_status


def split_usable(listings: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Listings that can be judged, and the others as rows of the table quarantine (but the run's columns).

    `ingest` lets none of the others in; another writer of the table might.
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
    judged = listings.withColumn("reasons", reasons)
    bad = judged.where(F.size("reasons") > 0)
    row_number = F.xxhash64(F.to_json(F.struct(*listings.columns)))
    quarantined = bad.select(
        "listing_id", row_number.alias("row_number"), "reasons", F.to_json(F.struct(*listings.columns)).alias("raw")
    )
    return judged.where(F.size("reasons") == 0).drop("reasons"), quarantined


def without_texts(listings: DataFrame) -> DataFrame:
    """What deciding needs of each listing, in a few bytes: a run caches this, and reads the texts again at its end.

    Args:
        listings: usable ones, with `in_taxonomy`.

    Returns:
        listing_id, content_hash, category, in_taxonomy, seller_id, title_status (`schemas.reasons.TitleStatus`),
        has_description and has_image.
    """
    return listings.select(
        "listing_id",
        "content_hash",
        "category",
        "in_taxonomy",
        "seller_id",
        title_status(F.col("title")).alias("title_status"),
        (F.trim(F.coalesce("description", F.lit(""))) != "").alias("has_description"),
        F.col("image_hash").isNotNull().alias("has_image"),
    )


def with_texts(decided: DataFrame, listings: DataFrame) -> DataFrame:
    """Add what `without_texts` left out and clean_listings shows: texts, price, time and URI.

    Args:
        decided: one row a listing.
        listings: the same listings, whole.
    """
    shown = ("title", "description", "price", "updated_at", "image_uri")
    return decided.join(listings.select("listing_id", *shown), "listing_id")


def to_check(listings: DataFrame, quarantined: DataFrame) -> DataFrame:
    """What the input gate looks at: listing_id, and as 1 or 0 whether a row is quarantined, and whether it is empty.

    Args:
        listings: the output of `without_texts`. A listing is empty that has neither text nor picture.
        quarantined: as `split_usable` gives them.
    """
    empty = F.col("title_status").isin(*NO_TITLE) & ~F.col("has_description") & ~F.col("has_image")
    good = listings.select("listing_id", F.lit(0).alias("quarantined"), empty.cast("int").alias("empty"))
    return good.unionByName(quarantined.select("listing_id", F.lit(1).alias("quarantined"), F.lit(0).alias("empty")))


def reusable_predictions(predictions: DataFrame, listings: DataFrame, model_version: str) -> DataFrame:
    """The predictions of a model version for the listings' present content.

    A prediction made without its picture, which could not be read, is not reusable: the picture is tried again.
    """
    return _of_present_content(predictions, listings, model_version).where(~_unreadable())


def unread_pictures(predictions: DataFrame, listings: DataFrame, model_version: str) -> DataFrame:
    """listing_id and content_hash of the listings whose picture the model version's prediction could not read."""
    judged = _of_present_content(predictions, listings, model_version)
    return judged.where(_unreadable()).select("listing_id", "content_hash")


def _unreadable() -> Column:
    return F.col("image_status").eqNullSafe(ImageStatus.UNREADABLE.value)


def _of_present_content(predictions: DataFrame, listings: DataFrame, model_version: str) -> DataFrame:
    present = listings.select("listing_id", "content_hash")
    return predictions.where(F.col("model_version") == model_version).join(
        present, ["listing_id", "content_hash"], "left_semi"
    )


def unscored(listings: DataFrame, known: DataFrame) -> DataFrame:
    """listing_id and content_hash of the listings without a prediction."""
    keys = ["listing_id", "content_hash"]
    return listings.select(*keys).join(known.select(*keys), keys, "left_anti")


def newest_change(changes: DataFrame, wanted: DataFrame) -> DataFrame:
    """Of the changed rows, the newest of each wanted listing and content.

    Args:
        changes: rows of listings with `_commit_version`.
        wanted: listing_id, content_hash.
    """
    keys = ["listing_id", "content_hash"]
    newest = Window.partitionBy(*keys).orderBy(F.col("_commit_version").desc())
    mine = changes.join(wanted, keys, "left_semi")
    return mine.withColumn("rank", F.row_number().over(newest)).where("rank = 1").drop("rank", "_commit_version")
