"""Connected components of a graph of keys: on the driver if there are few edges, else in Spark."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

MAX_COLLECTED = 2_000_000
"""The driver connects at most this many edges: 32 MB collected, about 150 MB while connecting."""


def roots(edges: DataFrame) -> DataFrame:
    """The smallest key of each key's connected component. Runs Spark actions.

    Args:
        edges: distinct pairs of keys a and b, BIGINT.

    Returns:
        key, root; a key that is a root itself may be left out.
    """
    collected = edges.limit(MAX_COLLECTED + 1).toPandas()
    if len(collected) > MAX_COLLECTED:
        return _roots_in_spark(edges)
    keys, found = connect(collected["a"].to_numpy(np.int64), collected["b"].to_numpy(np.int64))
    return edges.sparkSession.createDataFrame(pd.DataFrame({"key": keys, "root": found}), "key BIGINT, root BIGINT")


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


def _roots_in_spark(edges: DataFrame) -> DataFrame:
    """Point all keys to ever smaller keys until nothing changes: every key then points to its root.

    The alternating algorithm of Kiveris et al., Connected Components in MapReduce and Beyond (SoCC, 2014). Only minima
    are aggregated, so that a key with very many neighbours does no harm.
    """
    pointers = _pointers(edges.select(F.greatest("a", "b").alias("key"), F.least("a", "b").alias("root")))
    pointers = pointers.localCheckpoint()
    before = None
    while before != (now := _fingerprint(pointers)):
        before = now
        # A checkpoint, because the plan would double with every round.
        pointers = _small_star(_large_star(pointers)).localCheckpoint()
    return pointers


def _large_star(pointers: DataFrame) -> DataFrame:
    """Point the larger neighbours of each key to the smallest key among it and its neighbours."""
    reversed_ = pointers.select(F.col("root").alias("key"), F.col("key").alias("root"))
    neighbours = pointers.unionByName(reversed_)
    smallest = neighbours.groupBy("key").agg(F.least("key", F.min("root")).alias("smallest"))
    larger = neighbours.where("root > key").join(smallest, "key")
    return _pointers(larger.select(F.col("root").alias("key"), F.col("smallest").alias("root")))


def _small_star(pointers: DataFrame) -> DataFrame:
    """Point each key and its smaller neighbours to the smallest of them."""
    smallest = pointers.groupBy("key").agg(F.min("root").alias("smallest"))
    others = pointers.join(smallest, "key").select(F.col("root").alias("key"), F.col("smallest").alias("root"))
    return _pointers(others.unionByName(smallest.withColumnRenamed("smallest", "root")))


def _pointers(edges: DataFrame) -> DataFrame:
    return edges.where("key != root").distinct()


def _fingerprint(pointers: DataFrame) -> tuple[object, ...]:
    """Equal for equal sets of pointers."""
    numbers = F.expr("sum(cast(xxhash64(key, root) AS DECIMAL(38, 0)))")
    return tuple(pointers.agg(F.count(F.lit(1)), numbers).collect()[0])
