"""Twins: listings with the same text by different sellers, which are the same product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.arrays import Bools
from training.error_share import PairCounts
from udfs.fingerprint import text_hash

_MAX_GROUP = 8
"""Pairs are made of this many listings of a text at most."""
_BETWEEN = "\n"
_MIN_TITLE = 3
"""Shorter titles, in characters, say too little for listings to be the same product."""


def count_twins(listings: DataFrame, categories: Sequence[str], ancestors: Bools) -> PairCounts:
    """Count the pairs of listings with the same text by different, or unknown, sellers, and how many labels differ.

    Args:
        listings: listing_id, title, description, category, seller_id. Listings without a category of the taxonomy are
            left out.
        categories: C categories, those of the taxonomy.
        ancestors: as `udfs.ancestors.ancestor_matrix`; labels of which one is an ancestor of the other do not differ.

    Returns:
        Sums over the whole catalogue; nothing else is collected.
    """
    known = listings.sparkSession.createDataFrame([(category,) for category in categories], "category STRING")
    labelled = listings.join(F.broadcast(known), "category", "left_semi").where(
        F.length(F.trim("title")) >= F.lit(_MIN_TITLE)
    )
    text = text_hash(F.col("title"), F.col("description")).alias("text")
    hashed = labelled.select(text, "seller_id", "category", F.xxhash64("listing_id").alias("key"))
    some = Window.partitionBy("text").orderBy("key")
    chosen = hashed.withColumn("place", F.row_number().over(some)).where(F.col("place") <= _MAX_GROUP)
    groups = chosen.groupBy("text").agg(F.collect_list(F.struct("seller_id", "category")).alias("rows"))
    related = [f"{categories[a]}{_BETWEEN}{categories[c]}" for a, c in np.argwhere(ancestors | ancestors.T)]
    groups = groups.where(F.size("rows") > 1).withColumn("related", F.array(*map(F.lit, related)).cast("array<string>"))
    unlike = f"a.category != b.category AND NOT array_contains(related, concat(a.category, '{_BETWEEN}', b.category))"
    counted = groups.select(_pairs("true").alias("p"), _pairs(unlike).alias("d"))
    sums = {"pairs": "p", "differ": "d", "pairs_squared": "p * p", "differ_squared": "d * d", "product": "p * d"}
    [row] = counted.agg(*(F.coalesce(F.sum(F.expr(of)), F.lit(0)).alias(name) for name, of in sums.items())).collect()
    return PairCounts(**row.asDict())


def _pairs(condition: str) -> Column:
    """The number of pairs (a, b) of a group by different sellers for which a condition holds."""
    return F.expr(
        "aggregate(transform(rows, (a, i) -> size(filter(rows, (b, j) -> j > i "
        f"AND NOT coalesce(a.seller_id = b.seller_id, false) AND {condition}))), 0L, (x, y) -> x + y)"
    )
