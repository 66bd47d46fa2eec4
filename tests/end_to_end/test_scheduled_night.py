"""A real Airflow runs the nightly DAG on a small warehouse, with the real command."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest

from jobs.store import read_published
from schemas.tables import TABLES
from tests.airflow import Airflow
from tests.end_to_end.conftest import LISTINGS, House

pytestmark = [pytest.mark.end_to_end, pytest.mark.airflow]


def test_the_nightly_dag_cleans_a_warehouse(trained: House, tmp_path: Path) -> None:
    house = trained.copy(tmp_path)
    home = tmp_path / "airflow"
    home.mkdir()
    airflow = Airflow(home, commands=Path(sys.executable).parent, warehouse=str(house.path))
    airflow.run("db", "migrate")
    output = airflow.run("dags", "test", "catalog_cleaner_nightly", "2026-11-10")
    assert "state=success" in output, output[-3000:]
    (night,) = house.warehouse.read(TABLES["runs"]).where("job = 'nightly'").collect()
    assert (night.status, night.run_date) == ("published", dt.date(2026, 11, 10))
    assert read_published(house.warehouse, "clean_listings").count() == LISTINGS
