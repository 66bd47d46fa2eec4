"""Current commands on a warehouse written by an earlier version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from typer.testing import CliRunner

from jobs.cli import app
from jobs.store import read_published
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.tables import LISTINGS, REVIEW_DECISIONS, RUNS, TABLES, TAXONOMY
from tests.earlier import unpack_earlier_warehouse
from tests.spark.frames import rows_of

PUBLISHED = "nightly-2026-11-10-1"
ROWS = {
    "listings": 400,
    "listing_changes": 402,
    "taxonomy": 8,
    "predictions": 400,
    "clean_listings": 400,
    "quarantine": 0,
    "review_decisions": 3,
    "pins": 1,
    "runs": 5,
}


@pytest.fixture
def earlier(spark: SparkSession, tmp_path: Path) -> Warehouse:
    """A copy of the stored warehouse."""
    return open_warehouse(spark, str(unpack_earlier_warehouse(tmp_path)))


def call(warehouse: Warehouse, *command: str) -> dict[str, Any]:
    """Run a command with the test profile; returns its summary."""
    result = CliRunner().invoke(app, [*command, "--warehouse", warehouse.location, "--profile", "test", "--json"])
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout.splitlines()[-1]))


def test_every_table_has_todays_columns_in_current_and_published_versions(earlier: Warehouse) -> None:
    for table in TABLES.values():
        assert earlier.read(table).schema == earlier.empty(table).schema
    assert {name: earlier.read(TABLES[name]).count() for name in ROWS} == ROWS
    clean = read_published(earlier, "clean_listings", PUBLISHED)
    assert clean.where("effective_category IS NOT NULL").count() == 400
    assert read_published(earlier, "listings", PUBLISHED).where("title LIKE '% new'").count() == 0
    changed = earlier.changes(LISTINGS, 1, 2)
    assert changed is not None
    assert changed.where("title LIKE '% new'").count() == 2


def test_runs_and_report_show_the_runs_of_an_earlier_version(earlier: Warehouse, tmp_path: Path) -> None:
    assert [run["run_id"] for run in call(earlier, "runs")["runs"]][2] == PUBLISHED
    page = tmp_path / "report.html"
    shown = call(earlier, "report", "--html", str(page))
    assert (shown["run_id"], shown["listings"]) == (PUBLISHED, 400)
    assert "<img" in page.read_text()


def test_reviews_and_listings_can_be_added_to_an_earlier_warehouse(earlier: Warehouse, tmp_path: Path) -> None:
    listings = earlier.read(LISTINGS).drop("image").orderBy("listing_id").limit(3).toPandas()
    decided = listings.assign(decision="set_category", reviewer="bob", decided_at="2026-11-10T13:00:00Z")
    decided["category"] = [row.category for row in earlier.read(TAXONOMY).orderBy("category").take(3)]
    columns = ["listing_id", "decision", "category", "reviewer", "decided_at"]
    decided[columns].to_csv(tmp_path / "decisions.csv", index=False)
    assert call(earlier, "review", "apply", str(tmp_path / "decisions.csv"))["rows_current"] == 3
    stored = rows_of(earlier.read(REVIEW_DECISIONS).where("reviewer = 'bob'"), "listing_id", "category")
    assert stored == sorted(zip(decided.listing_id, decided.category, strict=True))

    delivered = listings[["listing_id", "description", "category", "price", "seller_id"]]
    later = listings.updated_at.max().tz_localize("UTC") + pd.Timedelta(hours=1)
    delivered = delivered.assign(title="brand new", updated_at=later)
    delivered.to_parquet(tmp_path / "delivery.parquet", index=False, coerce_timestamps="us")
    earlier.read(TAXONOMY).toPandas().to_csv(tmp_path / "taxonomy.csv", index=False)
    files = (str(tmp_path / "delivery.parquet"), "--taxonomy", str(tmp_path / "taxonomy.csv"))
    assert call(earlier, "ingest", *files)["rows_current"] == 3
    titles = earlier.read(LISTINGS).where(F.col("listing_id").isin(*listings.listing_id))
    assert rows_of(titles, "title") == [("brand new",)] * 3
    assert earlier.read(RUNS).count() == 7
