"""Which listings a run moves to another category by itself: neither a seller nor a reviewer has asked for it."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.reasons import CategorySource

_COMPARED = ("content_hash", "category", "effective_category", "category_source")


def compare(decided: DataFrame, before: DataFrame) -> DataFrame:
    """Compare the listings of a run with the publication that it is based on.

    Args:
        decided: listing_id, seller_id, content_hash, category, effective_category, category_source, may_correct.
        before: clean_listings of the base publication.

    Returns:
        One row per listing that both have: listing_id, seller_id, category, effective_category, category_source,
        category_before (the effective one) and `moved`: whether it shows another category, while content, label and
        people's decisions are the same. It is never null. A correction that ends because people have stopped
        corrections (`may_correct`) does not count.
    """
    then = before.select("listing_id", *(F.col(name).alias(f"{name}_then") for name in _COMPARED))
    joined = decided.select("listing_id", "seller_id", "may_correct", *_COMPARED).join(then, "listing_id")

    def same(name: str) -> Column:
        return F.col(name).eqNullSafe(F.col(f"{name}_then"))

    by_person, seller, model = (
        source.value for source in (CategorySource.REVIEWER, CategorySource.SELLER, CategorySource.MODEL)
    )
    by_people = (F.col("category_source") == by_person) | (F.col("category_source_then") == by_person)
    is_seller, was_model = F.col("category_source") == seller, F.col("category_source_then") == model
    stopped = ~F.col("may_correct") & is_seller & was_model
    return joined.select(
        "listing_id",
        "seller_id",
        "category",
        "effective_category",
        "category_source",
        F.col("effective_category_then").alias("category_before"),
        (same("content_hash") & same("category") & ~same("effective_category") & ~by_people & ~stopped).alias("moved"),
    )


def count_moves(compared: DataFrame) -> DataFrame:
    """Count the rows of `compare`: one row with `listings` and `moved`."""
    return compared.agg(F.count(F.lit(1)).alias("listings"), F.count_if("moved").alias("moved"))


def worst_segments(compared: DataFrame, min_listings: int) -> DataFrame:
    """Find the categories and the seller whose listings move most.

    Args:
        compared: the output of `compare`.
        min_listings: categories and sellers with fewer listings do not count for `worst`.

    Returns:
        A row for each `kind`: left (a category that listings leave), joined (one that they get) and seller. `worst` has
        the largest share of moved listings, `most` the most moved listings: structs of segment, listings and moved;
        null if there is none. Ties go to the last name.
    """
    kinds = {"left": "category_before", "joined": "effective_category", "seller": "seller_id"}
    parts = F.array(
        *(F.struct(F.lit(kind).alias("kind"), F.col(name).alias("segment")) for kind, name in kinds.items())
    )
    exploded = compared.select("moved", F.inline(parts)).where("segment IS NOT NULL")
    sizes = exploded.groupBy("kind", "segment").agg(
        F.count(F.lit(1)).alias("listings"), F.count_if("moved").alias("moved")
    )
    found = F.struct("segment", "listings", "moved")
    share = F.struct((F.col("moved") / F.col("listings")).alias("share"), "segment")
    return (
        sizes.where("moved > 0")
        .groupBy("kind")
        .agg(
            F.max_by(found, F.when(F.col("listings") >= min_listings, share)).alias("worst"),
            F.max_by(found, F.struct("moved", "segment")).alias("most"),
        )
    )


def flips(compared: DataFrame, corrections: DataFrame, run_date: dt.date, nights: int) -> DataFrame:
    """Find the corrections that begin or change although nights have just ended or changed them.

    Ends and changes by `revert` and `backfill` do not count: people run them. Nor does a correction that only follows
    its category, which has another name now.

    Args:
        compared: the output of `compare`.
        corrections: the table corrections in the base publication, with today's names of the categories.
        run_date: date of the run.
        nights: how many days before it count.

    Returns:
        listing_id and category_before, one row per listing.
    """
    corrected = F.col("category_source") == CategorySource.MODEL.value
    begins = corrected & ~F.col("effective_category").eqNullSafe(F.col("category"))
    rows = compared.where(F.col("moved") & begins).select("listing_id", "category_before")
    last = F.lag("corrected_category").over(Window.partitionBy("listing_id").orderBy("run_date"))
    is_renamed = (F.col("event") == "changed") & F.col("corrected_category").eqNullSafe(F.col("last"))
    history = rows.join(corrections, "listing_id").withColumn("last", last)
    recent = history.where(
        F.col("event").isin("ended", "changed")
        & ~is_renamed
        & (F.col("decided_by") == CategorySource.MODEL.value)
        & (F.col("job") == "nightly")
        & (F.col("run_date") >= F.lit(run_date - dt.timedelta(days=nights)))
    )
    return recent.select("listing_id", "category_before").distinct()
