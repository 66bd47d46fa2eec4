"""A new bundle and the champion judge the same listings, the way a nightly run would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from schemas.arrays import Floats
from schemas.bundle import BundleSpec
from schemas.errors import FailedError
from training.canaries import is_canary, wrong_labels
from training.comparison import Labels, Verdict, compare, dense
from training.sample import seller_codes
from training.taxonomy import Category
from training.transitions import category_levels
from udfs.bundle import load_spec
from udfs.classify import classify

ROWS = 10_000
"""Listings compared, chosen by hash."""


def evaluate(
    listings: DataFrame,
    bundle: str,
    champion: tuple[str, str] | None,
    taxonomy: Sequence[Category],
    settings: Settings,
) -> Verdict:
    """Compare a new bundle with the champion on labelled listings, by answers and canaries and without truth.

    Args:
        listings: listing_id, title, description, category, decided_category (null where no person has decided),
            audited_category (null where nobody was asked at random), seller_id, bucket, image, image_uri.
        bundle: the new bundle's folder.
        champion: the version and bundle folder of the model in force; None where there is none.
        taxonomy: the categories.
        settings: sections classify and ingest.

    Raises:
        FailedError: no listing has a category of the taxonomy.
    """
    spec = load_spec(bundle)
    known = listings.sparkSession.createDataFrame([(c,) for c in spec.categories], "category STRING")
    labelled = listings.join(F.broadcast(known), "category", "left_semi")
    total = labelled.count()
    part = max(total // ROWS, 1)
    audited = F.col("audited_category").isin(*spec.categories)
    share = min([spec.canary_share, *([load_spec(champion[1]).canary_share] if champion else [])])
    planted = is_canary(F.xxhash64("listing_id"), share) & F.col("decided_category").isNull()
    sampled = F.expr(f"pmod(xxhash64(listing_id, 'evaluation'), {part}) = 0")
    chosen = labelled.where(sampled | audited | planted)
    rows = (
        chosen.select(
            "listing_id",
            "category",
            "seller_id",
            "audited_category",
            F.xxhash64("listing_id").alias("key"),
            planted.alias("planted"),
        )
        .toPandas()
        .sort_values("listing_id", ignore_index=True)
    )
    if rows.empty:
        raise FailedError("no listing has a category of the taxonomy, so there is nothing to compare models on.")
    order = {category.category: category for category in taxonomy}
    index = {category: i for i, category in enumerate(spec.categories)}
    given = np.array([index[category] for category in rows["category"]], np.int64)
    levels = category_levels(
        [order[c].parent if c in order else None for c in spec.categories],
        [order[c].department if c in order else None for c in spec.categories],
    )
    canaries = np.full(len(rows), -1)
    ours = rows["planted"].to_numpy(np.bool_)
    canaries[ours] = wrong_labels(rows["key"].to_numpy(np.int64)[ours], given[ours], levels)
    labels = Labels(
        given=given,
        sellers=seller_codes(rows["seller_id"].tolist())[0],
        halves=np.arange(len(rows)) % 2,
        levels=levels,
        audited=np.array([index.get(category, -1) for category in rows["audited_category"]], np.int64),
        canaries=canaries,
    )

    def judge(folder: str, version: str, of: BundleSpec) -> Floats:
        said = classify(
            chosen.withColumn("content_hash", F.lit("")),
            folder,
            version,
            rows=len(rows),
            batch_rows=settings.classify.batch_rows,
            top=settings.classify.top,
            prefixes=settings.ingest.image_prefixes,
            max_image_bytes=settings.ingest.max_image_bytes,
        )
        narrow = said.select("listing_id", "top_categories").toPandas().set_index("listing_id")
        ranked: pd.Series = narrow["top_categories"].reindex(rows["listing_id"])
        return dense(ranked, spec.categories, dict(zip(of.categories, of.prior, strict=True)))

    challenger = judge(bundle, "challenger", spec)
    before = None if champion is None else judge(champion[1], champion[0], load_spec(champion[1]))
    return compare(challenger, before, labels, spec.categories)
