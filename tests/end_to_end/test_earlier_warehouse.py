"""A night on a warehouse written by an earlier version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jobs.store import read_published
from schemas.tables import LISTINGS, REVIEW_DECISIONS, TABLES
from tests.earlier import unpack_earlier_warehouse
from tests.end_to_end.conftest import Workspace

pytestmark = [pytest.mark.end_to_end, pytest.mark.thorough]


def test_a_night_continues_the_warehouse_of_an_earlier_version(trained: Workspace, tmp_path: Path) -> None:
    """It scores all listings once more, to read their texts for personal data, and keeps the earlier decisions."""
    folder = unpack_earlier_warehouse(tmp_path)
    for name in ("mlflow", "_keys"):
        shutil.copytree(trained.path / name, folder / name)
    workspace = Workspace(trained.spark, folder, trained.source)
    night = workspace.run("nightly", "--run-date", "2026-11-11", "--accept-changes")  # another model has decided before
    assert (night["rows_current"], night["rows_unchanged"]) == (400, 0)
    warehouse = workspace.warehouse
    listings = warehouse.read(LISTINGS).select("listing_id", "content_hash")
    published = {name: read_published(warehouse, name) for name in ("clean_listings", "predictions")}
    for rows in published.values():
        assert rows.join(listings, ["listing_id", "content_hash"]).count() == rows.count() == 400
    decided = {row.listing_id: row.category for row in warehouse.read(REVIEW_DECISIONS).collect()}
    clean = {row.listing_id: row.effective_category for row in published["clean_listings"].collect()}
    assert {listing: clean[listing] for listing in decided} == decided
    assert (
        published["predictions"].where("run_id <> 'nightly-2026-11-10-1' AND personal_data IS NOT NULL").count() == 400
    )
    assert published["clean_listings"].where("language IN ('en', 'fr')").count() > 100
    for name in ("predictions", "clean_listings", "flagged_items", "quality_metrics"):
        stored = warehouse.spark.read.format("delta").load(str(folder / name))
        assert set(TABLES[name].names) <= set(stored.columns)
