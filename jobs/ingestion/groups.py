"""Groups of near duplicates, so that the model that scores a listing was not trained on a near duplicate of it.

Near duplicates have the same normalised title, the same picture bytes, or pictures with the same perceptual hash. A
listing keeps its group forever; a new listing joins the group of its near duplicates.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.components import roots
from schemas.bundle import BUCKETS

MAX_TITLES = 20
"""A picture that listings with more different titles share, such as a shop's placeholder, joins no listings."""

KEYS = ("title_key", "image_key", "image_hash")
"""Columns of listings by which near duplicates are found."""


def bucket(group_id: Column) -> Column:
    """The bucket of a group, 0 to 2519. It does not depend on the number of folds."""
    return F.pmod(F.xxhash64(group_id), F.lit(BUCKETS)).cast("int")


def assign_groups(new: DataFrame, others: DataFrame) -> DataFrame:
    """Assign new listings to the group of their stored near duplicates (the smallest, if several), else to a new one.

    The result is exact and independent of order and partitioning.

    Args:
        new: listing_id and `KEYS` of listings without a group.
        others: listing_id, group_id and `KEYS` of all other listings.

    Returns:
        listing_id, group_id of the new listings. The id of a new group is its smallest listing_id.
    """
    new_keys = _explode_keys(new.withColumn("group_id", F.lit(None).cast("string")))
    other_keys = _explode_keys(others).join(new_keys.select("key").distinct(), "key", "left_semi")
    linked = new_keys.select("listing_id", "key").join(_shared_keys(new_keys.unionByName(other_keys)), "key")
    with_root = linked.join(_roots(linked), "key", "left").withColumn("root", F.coalesce("root", "key"))
    groups = with_root.groupBy("root").agg(F.coalesce(F.min("stored_group"), F.min("listing_id")).alias("group_id"))
    grouped = with_root.select("listing_id", "root").distinct().join(groups, "root").select("listing_id", "group_id")
    assigned = new.select("listing_id").join(grouped, "listing_id", "left")
    return assigned.withColumn("group_id", F.coalesce("group_id", "listing_id"))


def _explode_keys(listings: DataFrame) -> DataFrame:
    """One row per key of a listing. A picture without an image_key, such as a blank one, has no keys at all."""
    has_picture = F.col("image_key").isNotNull()
    keys = F.array_compact(
        F.array(
            F.when(F.col("title_key").isNotNull(), _key("title_key", picture=False)),
            F.when(has_picture, _key("image_key", picture=True)),
            F.when(has_picture & F.col("image_hash").isNotNull(), _key("image_hash", picture=True)),
        )
    )
    name = F.coalesce(F.col("title_key").cast("string"), F.concat(F.lit("listing "), "listing_id"))
    return listings.select("listing_id", "group_id", name.alias("name"), F.inline(keys))


def _key(column: str, *, picture: bool) -> Column:
    """A key, hashed together with its column's name, so that keys of different kinds are never equal."""
    return F.struct(F.xxhash64(F.lit(column), column).alias("key"), F.lit(picture).alias("picture"))


def _shared_keys(keys: DataFrame) -> DataFrame:
    """The keys that join listings, each with its smallest stored group (null if all its listings are new)."""
    counted = keys.groupBy("key").agg(
        F.count("*").alias("listings"),
        F.bool_or("picture").alias("picture"),
        F.count_distinct("name").alias("titles"),
        F.min("group_id").alias("stored_group"),
    )
    joins = (F.col("listings") > 1) & (~F.col("picture") | (F.col("titles") <= MAX_TITLES))
    return counted.where(joins).select("key", "stored_group")


def _roots(linked: DataFrame) -> DataFrame:
    """The keys of listings with several keys, each with the smallest key of its connected component."""
    keys = linked.groupBy("listing_id").agg(F.sort_array(F.collect_set("key")).alias("keys")).where(F.size("keys") > 1)
    rest = F.slice("keys", 2, len(KEYS))
    return roots(keys.select(F.col("keys")[0].alias("a"), F.explode(rest).alias("b")).distinct())
