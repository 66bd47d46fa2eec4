"""Turn labelled listings into rows of the training set, in the executors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from training.folds import left_out_folds
from training.sample import NO_SELLER
from udfs.text import featurize, read_texts
from udfs.text_encoder import load_encoder

SCHEMA = (
    "key BIGINT, listing_id STRING, seller_id STRING, seller_key BIGINT, label INT, truth INT, audited INT, "
    "bucket INT, left_out BIGINT, text_ids BINARY, text_weights BINARY, present BOOLEAN, vector BINARY"
)
"""`key` hashes listing_id, `seller_key` seller_id (`NO_SELLER` where there is none). `label` is the seller's category,
`truth` the category that a person has decided, `audited` the one decided in the random audit; -1 where there is none in
the taxonomy. `left_out` is as `training.folds.left_out_folds` returns it. `text_ids` int32 and `text_weights` float32
are little-endian and of equal length; `vector` is float16, empty where `present` is false."""
_COPIED_COLUMNS = ("key", "listing_id", "seller_id", "seller_key", "label", "truth", "audited", "bucket")

ROWS_PER_TASK = 4_000
"""Rows per Spark task, and so per file of the training set; with pictures about 20 MB before compression."""


def example_tasks(rows: int, ranks: int, min_per_rank: int) -> int:
    """The number of Spark tasks that make the training rows: a multiple of `ranks`.

    Args:
        rows: number of listings, 0 or more.
        ranks: number of ranks that read the training set; each task writes one file, and ranks share files evenly.
        min_per_rank: minimum number of tasks per rank.
    """
    return ranks * max(min_per_rank, math.ceil(rows / (ranks * ROWS_PER_TASK)))


def listing_key() -> Column:
    """The hash of `listing_id` by which the training set names a listing."""
    return F.xxhash64("listing_id")


def example_rows(
    listings: DataFrame,
    categories: Sequence[str],
    *,
    text: Mapping[str, Any],
    encoder: str | None,
    partitions: int,
) -> DataFrame:
    """The training rows of all listings whose label or decided category is in the taxonomy.

    Args:
        listings: listing_id, title, description, category, decided_category (null where no person has decided),
            audited_category (null where the listing was not in the random audit), seller_id, bucket, duplicate_buckets
            (null without duplicates), vector (of the picture, float16, little-endian; null without a usable picture).
        categories: category names; the position is the label index.
        text: keyword arguments of `udfs.text.featurize`.
        partitions: number of tasks.

    Returns:
        Rows of `SCHEMA`.
    """
    spark = listings.sparkSession
    order = [(c, i) for i, c in enumerate(categories)]
    given = F.broadcast(spark.createDataFrame(order, "category STRING, label INT"))
    decided = F.broadcast(spark.createDataFrame(order, "decided_category STRING, truth INT"))
    rows = (
        listings.join(given, "category", "left")
        .join(decided, "decided_category", "left")
        .where("label IS NOT NULL OR truth IS NOT NULL")
        .select(
            listing_key().alias("key"),
            "listing_id",
            "seller_id",
            F.when(F.col("seller_id").isNull(), NO_SELLER).otherwise(F.xxhash64("seller_id")).alias("seller_key"),
            F.coalesce("label", F.lit(-1)).alias("label"),
            F.coalesce("truth", F.lit(-1)).alias("truth"),
            # What was decided in the audit is also the decided category.
            F.coalesce(F.when(F.col("audited_category").isNotNull(), F.col("truth")), F.lit(-1)).alias("audited"),
            F.col("bucket").cast("int").alias("bucket"),
            "duplicate_buckets",
            "title",
            "description",
            "vector",
        )
        .repartition(partitions, "key")
        .sortWithinPartitions("key")
    )

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        encode = load_encoder(encoder, threads=1) if encoder else None
        for batch in batches:
            yield _example_batch(batch, {**text, "encode": encode})

    return rows.mapInArrow(make, SCHEMA)


def _example_batch(batch: pa.RecordBatch, text: Mapping[str, Any]) -> pa.RecordBatch:
    columns = {name: batch.column(name) for name in batch.schema.names}
    texts = featurize(read_texts(columns["title"]), read_texts(columns["description"]), **text)
    ids, weights = texts.ids.astype("<i4"), texts.weights.astype("<f4")
    bounds = list(zip(texts.splits[:-1], texts.splits[1:], strict=True))
    columns_out = {
        **{name: columns[name] for name in _COPIED_COLUMNS},
        "left_out": pa.array(left_out_folds(np.asarray(columns["bucket"], np.int64), columns["duplicate_buckets"])),
        "text_ids": pa.array([ids[a:b].tobytes() for a, b in bounds], pa.binary()),
        "text_weights": pa.array([weights[a:b].tobytes() for a, b in bounds], pa.binary()),
        "present": columns["vector"].is_valid(),
        "vector": columns["vector"].fill_null(b""),
    }
    return pa.RecordBatch.from_pydict(columns_out)
