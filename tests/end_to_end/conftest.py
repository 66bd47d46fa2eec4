"""A small catalogue, ingested and trained on once; every test works on a copy of its warehouse."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from conf.load import load_settings
from jobs.cli import app
from jobs.warehouse.forgetting import clear_log_cache
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from tests.end_to_end.standalone import Cluster, standalone_cluster

LISTINGS, CATEGORIES = 400, 8
_JAVA_OPTIONS = "spark.driver.defaultJavaOptions"


@dataclass(frozen=True)
class Workspace:
    """A warehouse and the files that it came from."""

    spark: SparkSession
    path: Path
    source: Path

    def run(self, *command: str, fails_with: int = 0) -> dict[str, Any]:
        """Run a command with the test profile; returns its summary, or its error. `fails_with`: the exit code."""
        words = [*command, "--warehouse", str(self.path), "--profile", "test", "--json"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == fails_with, (
            f"{words} ended with {result.exit_code}: {result.stderr}\n{result.exception!r}"
        )
        printed = dict(json.loads(result.stdout))
        assert printed.get("exit_code", 0) == fails_with
        return printed

    @property
    def warehouse(self) -> Warehouse:
        """The tables of the warehouse."""
        return open_warehouse(self.spark, str(self.path))

    def copy(self, target: Path) -> Workspace:
        """A copy in another folder."""
        shutil.copytree(self.path, target / "warehouse")
        return Workspace(self.spark, target / "warehouse", self.source)

    def delivery(self, target: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        """A delivery file with some of the catalogue's listings, changed."""
        listings = pd.read_parquet(self.source / "listings.parquet")
        newest = listings.sort_values("updated_at").drop_duplicates("listing_id", keep="last")
        path = target / "delivery.parquet"
        change(newest.copy()).to_parquet(path, index=False, coerce_timestamps="us")
        return path

    def ingest(self, path: Path, *options: str) -> dict[str, Any]:
        """Ingest a delivery with the catalogue's taxonomy."""
        return self.run("ingest", str(path), "--taxonomy", str(self.source / "taxonomy.csv"), *options)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session that the commands share.

    The test profile's Java stops at its first compiler, which is right for one command. Over dozens of nights the
    second one pays: from the third on, each takes three quarters of the time. The other tests shuffle into two
    partitions; one saves a sixth of a night.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = load_settings("test").spark
    java = settings.extra[_JAVA_OPTIONS].replace("-XX:TieredStopAtLevel=1 ", "")
    settings = replace(settings, shuffle_partitions=1, extra={**settings.extra, _JAVA_OPTIONS: java})
    session = open_session(settings, "end-to-end")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def _forget_logs() -> Iterator[None]:
    """Most tests have warehouses of their own, which would fill the heap.

    Frames hold the plans of their queries in it, until Python finds the cycles of references that they are in.
    """
    yield
    gc.collect()
    session = SparkSession.getActiveSession()
    if session is not None:
        clear_log_cache(session)


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a generated catalogue."""
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(folder, CatalogueSpec(listings=LISTINGS, categories=CATEGORIES, seed=3))
    return folder


@pytest.fixture(scope="session")
def trained(spark: SparkSession, catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The catalogue, ingested, and a model trained on two ranks."""
    workspace = Workspace(spark, tmp_path_factory.mktemp("trained") / "warehouse", catalogue)
    workspace.ingest(catalogue / "listings.parquet")
    workspace.run("train")
    return workspace


@pytest.fixture(scope="session")
def published(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The trained warehouse after a first night."""
    workspace = trained.copy(tmp_path_factory.mktemp("published"))
    workspace.run("nightly", "--run-date", "2026-11-10")
    return workspace


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Standalone cluster on this machine."""
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def workspace(published: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the published warehouse, for one test."""
    return published.copy(tmp_path)
