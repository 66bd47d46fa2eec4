"""Groups of near duplicates, so that the model that scores a listing was not trained on a near duplicate of it.

Near duplicates have the same normalised title, the same picture bytes, or pictures with the same perceptual hash. A
listing keeps its group forever; a new listing joins the group of its near duplicates.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from jobs.warehouse.caches import cached
from schemas.bundle import BUCKETS
from schemas.errors import FailedError

MAX_TITLES = 20
"""A picture that listings with more different titles share, such as a shop's placeholder, joins no listings."""

MAX_EDGES = 20_000_000
"""Maximum number of edges between keys that the driver connects: 320 MB collected, about 1.5 GB while connecting."""

KEYS = ("title_key", "image_key", "image_hash")
"""Columns of listings by which near duplicates are found."""


def bucket(group_id: Column) -> Column:
    """The bucket of a group, 0 to 2519. It does not depend on the number of folds."""
    return F.pmod(F.xxhash64(group_id), F.lit(BUCKETS)).cast("int")


def assign_groups(new: DataFrame, others: DataFrame) -> DataFrame:
    """Assign new listings to the group of their stored near duplicates (the smallest, if several), else to a new one.

    The result is exact and independent of order and partitioning. Only edges between keys of different kinds are
    collected and connected on the driver: 16 bytes each, at most `MAX_EDGES`.

    Args:
        new: listing_id and `KEYS` of listings without a group.
        others: listing_id, group_id and `KEYS` of all other listings.

    Returns:
        listing_id, group_id of the new listings. The id of a new group is its smallest listing_id.

    Raises:
        FailedError: there are more than `MAX_EDGES` edges between keys.
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
    """The keys of listings with several keys, each with the smallest key of its connected component.

    Raises:
        FailedError: there are more than `MAX_EDGES` edges.
    """
    keys = linked.groupBy("listing_id").agg(F.sort_array(F.collect_set("key")).alias("keys")).where(F.size("keys") > 1)
    rest = F.slice("keys", 2, len(KEYS))
    with ExitStack() as at_end:
        edges = cached(keys.select(F.col("keys")[0].alias("a"), F.explode(rest).alias("b")).distinct(), at_end)
        count = edges.count()
        if count > MAX_EDGES:
            raise FailedError(
                f"the delivery has {count:,} pairs of keys that join near duplicates; at most {MAX_EDGES:,} can be "
                "grouped at once. No listing was changed. Split the delivery and ingest the parts one by one with "
                "--delta."
            )
        collected = edges.toPandas()
    connected, roots = connect(collected["a"].to_numpy(np.int64), collected["b"].to_numpy(np.int64))
    rows = pd.DataFrame({"key": connected, "root": roots})
    return linked.sparkSession.createDataFrame(rows, "key BIGINT, root BIGINT")


def connect(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the connected components of a graph of keys.

    Args:
        a: first key of each edge, shape (m,).
        b: second key of each edge, shape (m,).

    Returns:
        The distinct keys, sorted, and for each the smallest key of its component.
    """
    keys, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    edges = (np.ones(len(a), np.int8), (ends[: len(a)], ends[len(a) :]))
    count, component = connected_components(coo_matrix(edges, shape=(len(keys), len(keys))), directed=False)
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, keys)
    return keys, smallest[component]
