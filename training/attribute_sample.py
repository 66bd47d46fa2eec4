"""The listings from which attributes are learnt: a sample that is small enough for the driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.attribute_settings import AttributeSettings
from schemas.arrays import Ints
from schemas.tensors import TextBatch, VectorBatch
from training.folds import left_out_folds
from udfs.stated_attributes import stated_attributes
from udfs.text import featurize, read_texts
from udfs.vectors import read_vectors

_HASH_RANGE = 1 << 20


@dataclass(frozen=True)
class Stated:
    """What some listings state about one attribute.

    Attributes:
        part: as `schemas.attributes.AttributeHead.part`.
        rows: int64, shape (m,), the listings, by position in the sample.
        values: m values, as delivered.
    """

    part: int
    rows: Ints
    values: list[str]


@dataclass(frozen=True)
class AttributeSample:
    """n listings that state an attribute, in the order of a hash.

    Attributes:
        titles: features of the titles alone.
        texts: features of titles and descriptions.
        pictures: vectors of the pictures.
        buckets: int64, shape (n,), 0 to 2519.
        left_out: int64, shape (n,), the folds whose members must not learn from the listing; see `training.folds`.
        stated: attribute -> what the listings state.
    """

    titles: TextBatch
    texts: TextBatch
    pictures: VectorBatch
    buckets: Ints
    left_out: Ints
    stated: dict[str, Stated]


def read_attribute_sample(
    listings: DataFrame, settings: AttributeSettings, text: dict[str, int | float | list[int]]
) -> AttributeSample:
    """Collect listings that state an attribute, chosen by hash, at most about `settings.sample`.

    An attribute that a column states is not read from descriptions as well.

    Args:
        listings: listing_id, title, description, condition, attributes, bucket, duplicate_buckets (null without
            duplicates), vector (float16, little-endian; null without a usable picture).
        settings: names of the parts of descriptions, and the size of the sample.
        text: keyword arguments of `udfs.text.featurize`.
    """
    stated = stated_attributes(dict(enumerate(settings.description)), settings.separator)
    rows = listings.withColumn("stated", stated).where(F.size("stated") > 0)
    share = min(settings.sample / max(rows.count(), 1), 1.0)
    key = F.xxhash64("listing_id")
    chosen = rows.where(F.pmod(key, F.lit(_HASH_RANGE)) < share * _HASH_RANGE)
    names = ("title", "description", "bucket", "duplicate_buckets", "vector", "stated")
    # The order decides about nothing but rounding; it is fixed so that the same listings give the same heads.
    collected = chosen.orderBy(key, "listing_id").select(*names).toArrow()
    columns = {name: collected.column(name).combine_chunks() for name in names}
    titles, descriptions = (read_texts(columns[name]) for name in ("title", "description"))
    buckets = np.asarray(columns["bucket"], np.int64)
    return AttributeSample(
        titles=featurize(titles, [None] * len(titles), **text),  # type: ignore[arg-type]
        texts=featurize(titles, descriptions, **text),  # type: ignore[arg-type]
        pictures=read_vectors(columns["vector"]),
        buckets=buckets,
        left_out=left_out_folds(buckets, columns["duplicate_buckets"]),
        stated=_by_attribute(columns["stated"].to_pylist()),
    )


def _by_attribute(stated: Sequence[Sequence[dict[str, object]] | None]) -> dict[str, Stated]:
    """What each listing states -> attribute -> what all state; a column counts before a part of the description."""
    found: dict[tuple[str, int], dict[int, str]] = {}
    for row, entries in enumerate(stated):
        for entry in entries or ():
            found.setdefault((str(entry["attribute"]), int(str(entry["part"]))), {}).setdefault(
                row, str(entry["value"])
            )
    return {
        name: Stated(part, np.array(list(rows), np.int64), list(rows.values()))
        for (name, part), rows in sorted(found.items())
        if part < 0 or (name, -1) not in found
    }
