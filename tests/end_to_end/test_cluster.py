"""The same commands on a Standalone cluster: `spark-submit`, the project as a zip, the same tables as locally."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from jobs.store import read_published
from tests.end_to_end.conftest import House
from tests.end_to_end.standalone import Cluster, standalone_cluster

pytestmark = [pytest.mark.end_to_end, pytest.mark.cluster]

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "conf", "udfs", "training", "jobs")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's packages as the zip that `--py-files` takes."""
    folder = tmp_path_factory.mktemp("code")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / "zip" / package, ignore=shutil.ignore_patterns("__pycache__"))
    return Path(shutil.make_archive(str(folder / "catalog_cleaner"), "zip", folder / "zip"))


def submit(cluster: Cluster, code: Path, house: House, command: str, *arguments: str) -> None:
    """Submit a command's main under the test profile."""
    places = ["--warehouse", str(house.path), "--profile", "test"]
    done = cluster.submit(code, ROOT / "jobs" / f"{command}.py", *arguments, *places)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def state(house: House, name: str) -> pd.DataFrame:
    rows = read_published(house.warehouse, name).drop("run_id").toPandas()
    return rows.sort_values(list(rows.columns[:1])).reset_index(drop=True)


def test_a_night_on_a_cluster_publishes_the_tables_of_a_local_one(
    cluster: Cluster, code: Path, trained: House, published: House, tmp_path: Path
) -> None:
    house = trained.copy(tmp_path)
    submit(cluster, code, house, "nightly", "--run-date", "2026-11-10")
    columns = ["listing_id", "effective_category", "category_source", "category_action", "best_category"]
    ours, theirs = state(house, "clean_listings"), state(published, "clean_listings")
    pd.testing.assert_frame_equal(ours[columns], theirs[columns])
    # Batches are cut elsewhere on a cluster, so sums differ in their last digits.
    pd.testing.assert_series_equal(ours.category_confidence, theirs.category_confidence, atol=1e-4)
    flags = ["listing_id", "reasons", "explanation", "first_run_date"]
    pd.testing.assert_frame_equal(state(house, "flagged_items")[flags], state(published, "flagged_items")[flags])


def test_a_catalogue_is_ingested_and_learnt_on_a_cluster(
    cluster: Cluster, code: Path, trained: House, tmp_path: Path
) -> None:
    house = House(trained.spark, tmp_path / "warehouse", trained.source)
    source = [str(house.source / "listings.parquet"), "--taxonomy", str(house.source / "taxonomy.csv")]
    submit(cluster, code, house, "ingest", *source)
    submit(cluster, code, house, "train")
    assert state_of_listings(house).equals(state_of_listings(trained))
    assert [model["version"] for model in house.run("models", "list")["models"]] == ["1"]


def state_of_listings(house: House) -> pd.DataFrame:
    listings = house.warehouse.folder / "listings" if house.warehouse.folder else None
    assert listings is not None
    rows = house.spark.read.format("delta").load(str(listings)).drop("delivery_id").toPandas()
    return rows.sort_values("listing_id").reset_index(drop=True)
