"""A lazy session for the whole run, small and quiet; every test gets a warehouse of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.load import load_settings
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session that the jobs make for themselves, under the test profile."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = open_session(load_settings("test").spark, "tests")
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    """An empty warehouse."""
    return open_warehouse(spark, str(tmp_path / "warehouse"))
