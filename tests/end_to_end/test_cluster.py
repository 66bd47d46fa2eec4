"""The same commands on a Standalone cluster: `spark-submit`, the project as a zip, the same tables as locally."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.store import read_published
from schemas.tables import LISTINGS, TABLES, Table
from tests.end_to_end.conftest import Workspace
from tests.end_to_end.standalone import Cluster

pytestmark = [pytest.mark.end_to_end, pytest.mark.cluster, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "conf", "udfs", "training", "jobs")
PUBLISHED = (
    "clean_listings",
    "flagged_items",
    "sellers",
    "predictions",
    "corrections",
    "quality_metrics",
    "gate_results",
)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's packages as a zip for `--py-files`."""
    return zipped(tmp_path_factory.mktemp("code"))


def zipped(folder: Path) -> Path:
    """Write the project's packages to a zip for `--py-files`."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / "zip" / package, ignore=shutil.ignore_patterns("__pycache__"))
    return Path(shutil.make_archive(str(folder / "catalog_cleaner"), "zip", folder / "zip"))


def submit(cluster: Cluster, code: Path, workspace: Workspace, command: str, *arguments: str) -> None:
    """Submit a command's main with the test profile."""
    places = ["--warehouse", str(workspace.path), "--profile", "test"]
    cluster.submit(code, ROOT / "jobs" / f"{command}.py", *arguments, *places)


def content(rows: DataFrame, table: Table) -> pd.DataFrame:
    """Rows without the run's id, sorted by key; almost equal probabilities may be ranked in any order."""
    for column in table.columns:
        if re.fullmatch(r"ARRAY<STRUCT<\w+: STRING, \w+: DOUBLE>>", column.type):
            rows = rows.withColumn(column.name, F.map_from_entries(column.name))
    key = [name for name in table.key if name != "run_id"]
    return rows.drop("run_id").toPandas().sort_values(key).reset_index(drop=True)


# The README's night on a cluster is compared with a local one in every run of the tests.
@pytest.mark.thorough
def test_a_night_on_a_cluster_publishes_the_tables_of_a_local_one(
    cluster: Cluster, code: Path, trained: Workspace, published: Workspace, tmp_path: Path
) -> None:
    workspace = trained.copy(tmp_path)
    submit(cluster, code, workspace, "nightly", "--run-date", "2026-11-10")
    for name in PUBLISHED:
        here, there = (content(read_published(h.warehouse, name), TABLES[name]) for h in (workspace, published))
        assert len(there) > 0, name
        # Batches have other boundaries on a cluster, so sums in the network differ in the last digits.
        pd.testing.assert_frame_equal(here, there, check_exact=False, rtol=1e-4, atol=1e-4, obj=name)


def test_ingest_and_train_run_on_a_cluster(cluster: Cluster, code: Path, trained: Workspace, tmp_path: Path) -> None:
    workspace = Workspace(trained.spark, tmp_path / "warehouse", trained.source)
    source = [str(workspace.source / "listings.parquet"), "--taxonomy", str(workspace.source / "taxonomy.csv")]
    submit(cluster, code, workspace, "ingest", *source)
    here, there = (content(h.warehouse.read(LISTINGS).drop("delivery_id"), LISTINGS) for h in (workspace, trained))
    assert len(there) > 0
    pd.testing.assert_frame_equal(here, there)

    submit(cluster, code, workspace, "train")
    (here_model,), (there_model,) = (h.run("models", "list")["models"] for h in (workspace, trained))
    assert here_model["champion"]
    assert here_model["rows"] == there_model["rows"]
    # Ranks read rows in another order, so the models differ slightly.
    assert here_model["estimated_error"] == pytest.approx(there_model["estimated_error"], abs=0.1)
