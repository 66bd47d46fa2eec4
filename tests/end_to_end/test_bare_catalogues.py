"""Catalogues with less data: no pictures and sellers; no titles, and a third of the listings without any text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.store import read_published
from tests.end_to_end.conftest import CATEGORIES, LISTINGS, Workspace

pytestmark = pytest.mark.end_to_end

Change = Callable[[pd.DataFrame], pd.DataFrame]


def without_titles(listings: pd.DataFrame) -> pd.DataFrame:
    described = listings.index % 3 > 0
    return listings.drop(columns="title").assign(description=listings.description.where(described))


LACKING: dict[str, Change] = {
    "pictures and sellers": lambda listings: listings.drop(columns=["image", "seller_id"]),
    "titles": without_titles,
}


def cleaned(lacking: str, catalogue: Path, folder: Path, spark: SparkSession) -> Workspace:
    """A new warehouse: the whole catalogue without some columns, ingested, trained and cleaned."""
    workspace = Workspace(spark, folder / "warehouse", catalogue)
    workspace.ingest(workspace.delivery(folder, LACKING[lacking]))
    workspace.run("train")
    assert workspace.run("nightly", "--run-date", "2026-11-10")["rows_current"] == LISTINGS
    return workspace


@pytest.mark.parametrize("lacking", ["pictures and sellers", pytest.param("titles", marks=pytest.mark.thorough)])
def test_a_catalogue_is_cleaned_without(lacking: str, catalogue: Path, tmp_path: Path, spark: SparkSession) -> None:
    workspace = cleaned(lacking, catalogue, tmp_path, spark)
    clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    predictions = read_published(workspace.warehouse, "predictions").toPandas().set_index("listing_id")
    flagged = read_published(workspace.warehouse, "flagged_items")
    reasons = flagged.select(F.explode("reasons")).distinct().toPandas().iloc[:, 0].tolist()
    sellers = read_published(workspace.warehouse, "sellers").count()
    truth = (
        pd.read_parquet(workspace.source / "truth.parquet").set_index("listing_id").true_category.reindex(clean.index)
    )

    assert len(clean) == LISTINGS
    assert clean.index.is_unique
    wrong_before, wrong_after = (clean.category != truth).mean(), (clean.effective_category != truth).mean()
    assert wrong_after < wrong_before
    assert (predictions.predicted_category == truth.reindex(predictions.index)).mean() > 2 / CATEGORIES
    no_pictures = lacking == "pictures and sellers"
    assert predictions.image_category.isna().all() == no_pictures
    assert predictions.text_category.isna().any() == (lacking == "titles")
    assert (sellers == 0) == no_pictures
    # A listing is not flagged for missing data that no listing has.
    assert ("missing_image" in reasons) != no_pictures
    assert ("missing_title" in reasons) == no_pictures
