"""Groups: listings that show one product, so that the model that judges one has not learnt from its twin.

Twins have the same plain title, the same picture bytes, or pictures of one perceptual hash. A group is kept for good;
a new listing joins the group of its twins.
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
"""A picture under more titles than this, such as a shop's placeholder, says nothing of what it is of."""

MAX_BRIDGES = 20_000_000
"""Pairs of keys that the driver connects at once: 320 MB collected, and some 1.5 GB while they are connected."""

KEYS = ("title_key", "image_key", "image_hash")
"""The columns of listings by which twins are found."""


def bucket(group_id: Column) -> Column:
    """The bucket of a group, 0 to 2519: it knows no number of folds."""
    return F.pmod(F.xxhash64(group_id), F.lit(BUCKETS)).cast("int")


def assign_groups(new: DataFrame, others: DataFrame) -> DataFrame:
    """The groups of new listings: that of their stored twins (of several the smallest), else one of their own.

    Exact, and independent of order and partitioning. Only the pairs of keys that bridge two sets of twins are
    collected and connected on the driver: 16 bytes each, and `MAX_BRIDGES` of them at most.

    Args:
        new: listing_id and `KEYS` of listings without a group.
        others: listing_id, group_id and `KEYS` of all others.

    Returns:
        listing_id, group_id of the new listings. A group of its own is called by its smallest listing_id.

    Raises:
        FailedError: more than `MAX_BRIDGES` pairs of keys bridge sets of twins.
    """
    mine = _by_key(new.withColumn("group_id", F.lit(None).cast("string")))
    theirs = _by_key(others).join(mine.select("key").distinct(), "key", "left_semi")
    linked = mine.select("listing_id", "key").join(_shared(mine.unionByName(theirs)), "key")
    rooted = linked.join(_roots(linked), "key", "left").withColumn("root", F.coalesce("root", "key"))
    groups = rooted.groupBy("root").agg(F.coalesce(F.min("stored_group"), F.min("listing_id")).alias("group_id"))
    found = rooted.select("listing_id", "root").distinct().join(groups, "root").select("listing_id", "group_id")
    assigned = new.select("listing_id").join(found, "listing_id", "left")
    return assigned.withColumn("group_id", F.coalesce("group_id", "listing_id"))


def _by_key(listings: DataFrame) -> DataFrame:
    """One row for each key of a listing. Only a picture that shows something, and so has an image_key, has keys."""
    shows = F.col("image_key").isNotNull()
    keys = F.array_compact(
        F.array(
            F.when(F.col("title_key").isNotNull(), _key("title_key", picture=False)),
            F.when(shows, _key("image_key", picture=True)),
            F.when(shows & F.col("image_hash").isNotNull(), _key("image_hash", picture=True)),
        )
    )
    name = F.coalesce(F.col("title_key").cast("string"), F.concat(F.lit("listing "), "listing_id"))
    return listings.select("listing_id", "group_id", name.alias("name"), F.inline(keys))


def _key(column: str, *, picture: bool) -> Column:
    """Hashed with the column's name, so that keys of different kinds never meet."""
    return F.struct(F.xxhash64(F.lit(column), column).alias("key"), F.lit(picture).alias("picture"))


def _shared(by_key: DataFrame) -> DataFrame:
    """The keys that join listings, and the smallest stored group that has each (null where all are new)."""
    counted = by_key.groupBy("key").agg(
        F.count("*").alias("listings"),
        F.bool_or("picture").alias("picture"),
        F.count_distinct("name").alias("titles"),
        F.min("group_id").alias("stored_group"),
    )
    joins = (F.col("listings") > 1) & (~F.col("picture") | (F.col("titles") <= MAX_TITLES))
    return counted.where(joins).select("key", "stored_group")


def _roots(linked: DataFrame) -> DataFrame:
    """The keys that some listing has together with others, each with the smallest key of its component.

    Raises:
        FailedError: there are more bridges than the driver can connect.
    """
    keys = linked.groupBy("listing_id").agg(F.sort_array(F.collect_set("key")).alias("keys")).where(F.size("keys") > 1)
    rest = F.slice("keys", 2, len(KEYS))
    with ExitStack() as at_end:
        bridges = cached(keys.select(F.col("keys")[0].alias("a"), F.explode(rest).alias("b")).distinct(), at_end)
        count = bridges.count()
        if count > MAX_BRIDGES:
            raise FailedError(
                f"the delivery has {count:,} pairs of keys that join twins, and at most {MAX_BRIDGES:,} can be grouped "
                "at once. No listing was changed. Split the delivery, and ingest one part after the other with --delta."
            )
        edges = bridges.toPandas()
    found, roots = connect(edges["a"].to_numpy(np.int64), edges["b"].to_numpy(np.int64))
    return linked.sparkSession.createDataFrame(pd.DataFrame({"key": found, "root": roots}), "key BIGINT, root BIGINT")


def connect(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Connected components of a graph on keys.

    Args:
        a: shape (m,), one end of each edge.
        b: shape (m,), the other end.

    Returns:
        Every key once, sorted, and the smallest key of its component.
    """
    keys, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    edges = (np.ones(len(a), np.int8), (ends[: len(a)], ends[len(a) :]))
    count, component = connected_components(coo_matrix(edges, shape=(len(keys), len(keys))), directed=False)
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, keys)
    return keys, smallest[component]
