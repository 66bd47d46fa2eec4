"""Collects what a model card says about the catalogue and the training."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from training.comparison import Comparison
from training.model_card import CardData, category_rows
from training.taxonomy import TaxonomyCategory
from training.train import TrainedBundle


def card_data(
    run_id: str,
    run_date: dt.date,
    settings_digest: str,
    listings: DataFrame,
    taxonomy: Sequence[TaxonomyCategory],
    trained: TrainedBundle,
    comparison: Comparison,
) -> CardData:
    """Count the listings and put them together with the results of the training.

    Args:
        run_id, run_date: the training.
        settings_digest: of all settings.
        listings: category, in_taxonomy, seller_id and updated_at of the listings in force.
        taxonomy: the categories.
        trained: the new bundle.
        comparison: of the new bundle with the champion.
    """
    count = F.count(F.lit(1)).alias("listings")
    [whole] = listings.agg(
        count,
        F.count_distinct("seller_id").alias("sellers"),
        F.min("updated_at").alias("first"),
        F.max("updated_at").alias("last"),
    ).collect()
    labelled = listings.where("in_taxonomy").groupBy("category").agg(count)
    by_label = {row.category: row.listings for row in labelled.collect()}
    codes = (each.category for each in taxonomy)
    return CardData(
        run_id=run_id,
        run_date=run_date,
        settings_digest=settings_digest,
        listings=whole.listings,
        labelled=sum(by_label.values()),
        decided=int(trained.figures["rows_decided"]),
        sellers=whole.sellers,
        first=whole["first"],
        last=whole["last"],
        plan=dataclasses.asdict(trained.plan),
        figures=trained.figures | comparison.figures,
        share=trained.noise.share,
        categories=category_rows(by_label, comparison.by_category, codes),
        better=comparison.better,
    )
