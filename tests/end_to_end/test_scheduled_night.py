"""A real Airflow runs the nightly DAG on a small warehouse, with the real command."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest
from pyspark.sql import Row

from jobs.store import read_published
from schemas.tables import RUNS
from tests.airflow import Airflow
from tests.end_to_end.conftest import LISTINGS, Workspace

pytestmark = [pytest.mark.end_to_end, pytest.mark.airflow, pytest.mark.timeout(1800)]


def decisions(workspace: Workspace) -> list[Row]:
    columns = ("listing_id", "effective_category", "category_action", "category_confidence", "run_date")
    return read_published(workspace.warehouse, "clean_listings").select(*columns).orderBy("listing_id").collect()


def test_the_nightly_dag_cleans_a_warehouse(trained: Workspace, published: Workspace, tmp_path: Path) -> None:
    workspace = trained.copy(tmp_path)
    home = tmp_path / "airflow"
    home.mkdir()
    airflow = Airflow(home, commands=Path(sys.executable).parent, warehouse=str(workspace.path))
    airflow.run("db", "migrate")
    output = airflow.run("dags", "test", "catalog_cleaner_nightly", "2026-11-10")
    assert "state=success" in output, output[-3000:]
    (night,) = workspace.warehouse.read(RUNS).where("job = 'nightly'").collect()
    assert (night.status, night.run_date) == ("published", dt.date(2026, 11, 10))
    by_the_dag = decisions(workspace)
    assert len(by_the_dag) == LISTINGS
    assert by_the_dag == decisions(published)
