"""Listings with usable labels -> rows of the training set, made in the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from udfs.pictures import decode, load_images
from udfs.text import featurize, read_texts

SCHEMA = (
    "key BIGINT, listing_id STRING, seller_id STRING, label INT, given INT, decided BOOLEAN, bucket INT, "
    "text_ids BINARY, text_weights BINARY, present BOOLEAN, pixels BINARY"
)
"""`key` hashes listing_id. `label` is what is learnt: the category that a person has decided, else the seller's.
`given` is the seller's, -1 where there is none of the taxonomy; `decided`: a person has. `text_ids` int32 and
`text_weights` float32, little-endian, as long as one another; `pixels` uint8, height x width x 3, empty where `present`
is false."""
_COPIED = ("key", "listing_id", "seller_id", "label", "given", "decided", "bucket")


def example_rows(
    listings: DataFrame,
    categories: Sequence[str],
    *,
    text: Mapping[str, Any],
    picture: Mapping[str, Any],
    prefixes: tuple[str, ...],
    max_image_bytes: int,
    partitions: int,
) -> DataFrame:
    """The training rows of the listings whose label is one of the categories; the others teach nothing.

    Args:
        listings: listing_id, title, description, category, decided_category (null where no person has decided),
            seller_id, bucket, image, image_uri.
        categories: the order of the label indices.
        text: keyword arguments of `udfs.text.featurize`.
        picture: keyword arguments of `udfs.pictures.decode`.
        prefixes, max_image_bytes: as in `udfs.sources.read_uri`.
        partitions: into how many tasks the work is split.

    Returns:
        Rows of `SCHEMA`.
    """
    spark = listings.sparkSession
    order = [(c, i) for i, c in enumerate(categories)]
    given = F.broadcast(spark.createDataFrame(order, "category STRING, given INT"))
    decided = F.broadcast(spark.createDataFrame(order, "decided_category STRING, settled INT"))
    label = F.coalesce("settled", "given")
    rows = (
        listings.join(given, "category", "left")
        .join(decided, "decided_category", "left")
        .where(label.isNotNull())
        .select(
            F.xxhash64("listing_id").alias("key"),
            "listing_id",
            "seller_id",
            label.alias("label"),
            F.coalesce("given", F.lit(-1)).alias("given"),
            F.col("settled").isNotNull().alias("decided"),
            F.col("bucket").cast("int").alias("bucket"),
            "title",
            "description",
            "image",
            "image_uri",
        )
        .repartition(partitions, "key")
        .sortWithinPartitions("key")
    )

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            uris = batch.column("image_uri").to_pylist()
            images, _ = load_images(batch.column("image").to_pylist(), uris, prefixes, max_image_bytes)
            yield _example_batch(batch, images, text, picture)

    return rows.mapInArrow(make, SCHEMA)


def _example_batch(
    batch: pa.RecordBatch, images: Sequence[bytes | None], text: Mapping[str, Any], picture: Mapping[str, Any]
) -> pa.RecordBatch:
    columns = {name: batch.column(name) for name in batch.schema.names}
    texts = featurize(read_texts(columns["title"]), read_texts(columns["description"]), **text)
    pictures = decode(images, **picture)
    ids, weights = texts.ids.astype("<i4"), texts.weights.astype("<f4")
    bounds = list(zip(texts.splits[:-1], texts.splits[1:], strict=True))
    made = {
        **{name: columns[name] for name in _COPIED},
        "text_ids": pa.array([ids[a:b].tobytes() for a, b in bounds], pa.binary()),
        "text_weights": pa.array([weights[a:b].tobytes() for a, b in bounds], pa.binary()),
        "present": pa.array(np.asarray(pictures.present)),
        "pixels": pa.array(
            [p.tobytes() if here else b"" for p, here in zip(pictures.pixels, pictures.present, strict=True)],
            pa.binary(),
        ),
    }
    return pa.RecordBatch.from_pydict(made)
