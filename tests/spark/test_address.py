"""Warehouses in a catalogue, at a URI, and in a folder with an unusual name."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from jobs.cli import app
from jobs.lifecycle.lock import warehouse_lock
from jobs.warehouse.forgetting import clear_log_cache
from jobs.warehouse.staged_names import stored_name
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS, TAXONOMY, Column, Table
from tests.spark.frames import frame, rows_of
from tests.spark.lease_holder import mount

THINGS = Table("things", "state", "a thing", ("id",), (Column("id", "STRING", "its id"),))
MORE = replace(THINGS, version=2, columns=(*THINGS.columns, Column("note", "STRING", "a note")))


@pytest.fixture
def catalogs(spark: SparkSession, tmp_path: Path) -> Iterator[None]:
    """The session's catalogue with a schema `shop`, and a second catalogue whose name has a hyphen."""
    spark.conf.set("spark.sql.catalog.my-catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    manager: Any = spark._jsparkSession.sessionState().catalogManager()
    manager.catalog("my-catalog").setDelegateCatalog(manager.v2SessionCatalog())
    spark.sql(f"CREATE SCHEMA spark_catalog.shop LOCATION '{tmp_path}/shop'")
    yield
    spark.sql("DROP SCHEMA spark_catalog.shop CASCADE")
    spark.conf.unset("spark.sql.catalog.my-catalog")


def use(warehouse: Warehouse) -> None:
    """Use all functions of a warehouse: write, read, change, evolve, stage."""
    assert not warehouse.exists(THINGS)
    warehouse.append(THINGS, frame(warehouse.spark, THINGS.ddl, ("a",)))
    warehouse.overwrite(THINGS, frame(warehouse.spark, THINGS.ddl, ("b",)))
    assert warehouse.version(THINGS) == 2
    assert rows_of(warehouse.read(THINGS), "id") == [("b",)]
    assert rows_of(warehouse.read(THINGS, 1), "id") == [("a",)]
    warehouse.table(THINGS).delete("id = 'b'")
    assert warehouse.read(THINGS).count() == 0
    warehouse.create(MORE)
    assert rows_of(warehouse.read(MORE, 1), "id", "note") == [("a", None)]
    warehouse.create(LISTINGS)
    changed = warehouse.changes(LISTINGS, -1, 0)
    assert changed is not None
    assert changed.count() == 0
    staged = warehouse.stage("night-1", frame(warehouse.spark, "n int", (1,), (2,)))
    assert rows_of(staged, "n") == [(1,), (2,)]
    warehouse.unstage("night-1")


@pytest.mark.parametrize("name", ["spark_catalog.shop", "my-catalog.shop"])
@pytest.mark.usefixtures("catalogs")
def test_a_warehouse_in_a_catalogue_s_schema(spark: SparkSession, name: str) -> None:
    warehouse = open_warehouse(spark, name)
    assert (warehouse.location, warehouse.folder) == (name, None)
    use(warehouse)
    tables = {row.tableName for row in spark.sql("SHOW TABLES IN spark_catalog.shop").collect()}
    assert tables == {"things", "listings"}  # The staged table has been removed.


@pytest.mark.usefixtures("catalogs")
def test_what_a_kill_has_left_in_a_catalogue_s_folder_is_in_nobody_s_way(spark: SparkSession, tmp_path: Path) -> None:
    """A table is registered when it is complete: the folder of one that was not is known to no catalogue."""
    warehouse, shop = open_warehouse(spark, "spark_catalog.shop"), tmp_path / "shop"
    (shop / "things" / "_delta_log").mkdir(parents=True)
    (shop / "staging_night_1__00000000" / "_delta_log").mkdir(parents=True)
    (shop / "staging_night_1__00000000" / "part-0.parquet").write_bytes(b"erase-me")
    (shop / "other").mkdir()
    warehouse.append(THINGS, frame(spark, THINGS.ddl, ("a",)))
    assert rows_of(warehouse.read(THINGS), "id") == [("a",)]
    assert warehouse.staged("night-1") is None
    staged = warehouse.stage("night-1", frame(spark, "n int", (1,)))
    assert rows_of(staged, "n") == [(1,)]
    assert warehouse.staged_names() == ["night_1"]
    warehouse.unstage("night-1")
    assert warehouse.staged_names() == []
    assert {path.name for path in shop.iterdir()} == {"things", "other"}


@pytest.mark.usefixtures("catalogs")
def test_a_table_that_a_kill_has_kept_from_the_catalogue_is_used(spark: SparkSession, tmp_path: Path) -> None:
    """A new table is registered after its first commit."""
    warehouse, folder = open_warehouse(spark, "spark_catalog.shop"), tmp_path / "shop" / "things"
    warehouse.create(THINGS)
    properties = warehouse.properties(THINGS)
    shutil.copytree(folder, tmp_path / "copy")
    spark.sql("DROP TABLE spark_catalog.shop.things")
    shutil.copytree(tmp_path / "copy", folder)
    clear_log_cache(spark)
    assert not warehouse.exists(THINGS)
    warehouse.append(THINGS, frame(spark, THINGS.ddl, ("a",)))
    assert rows_of(warehouse.read(THINGS), "id") == [("a",)]
    assert (warehouse.version(THINGS), warehouse.properties(THINGS)) == (1, properties)


@pytest.mark.usefixtures("catalogs")
def test_a_catalogue_or_schema_that_spark_cannot_use_is_refused(spark: SparkSession) -> None:
    for name in ("spark_catalog.market", "my-catalog.market", "my-catalog.europe.market"):
        with pytest.raises(UsageError, match=rf"{name}: catalogue '.*' has no such schema; create it in Spark SQL"):
            open_warehouse(spark, name)
    with pytest.raises(UsageError, match=r"warehouse.v2: Spark has no catalogue 'warehouse'; .* write \./warehouse.v2"):
        open_warehouse(spark, "warehouse.v2")
    spark.conf.set("spark.sql.catalog.broken", "no.such.Class")
    with pytest.raises(UsageError, match=r"broken.shop: Spark cannot use catalogue 'broken': .*no.such.Class"):
        open_warehouse(spark, "broken.shop")
    spark.conf.unset("spark.sql.catalog.broken")


def test_a_warehouse_at_a_uri(spark: SparkSession, tmp_path: Path) -> None:
    """viewfs stands in for an object store: the path in its URI is not the path of the tables."""
    (tmp_path / "store").mkdir()
    spark.conf.set("fs.viewfs.mounttable.shop.link./tables", f"file://{tmp_path}/store")
    warehouse = open_warehouse(spark, "viewfs://shop/tables/")
    assert (warehouse.location, warehouse.folder) == ("viewfs://shop/tables", None)
    use(warehouse)
    assert {path.name for path in (tmp_path / "store").iterdir()} == {"things", "listings", "_staging"}
    assert not list((tmp_path / "store" / "_staging").iterdir())


def test_a_temporary_table_at_a_uri_never_takes_the_place_of_another(spark: SparkSession, tmp_path: Path) -> None:
    """Delta's log store with DynamoDB refuses a table in the place of a removed one."""
    warehouse = mount(spark, str(tmp_path))
    rows = frame(spark, "n int", (1,))
    stored = []
    for _ in range(2):
        assert warehouse.staged("night-1") is None
        warehouse.stage("night-1", rows)
        staged = warehouse.stage("night-1", rows.union(rows))
        assert rows_of(staged, "n") == [(1,), (1,)]
        assert warehouse.staged("night-1") is not None
        assert warehouse.staged_names() == ["night_1"]
        stored += [path.name for path in (tmp_path / "_staging").iterdir()]
        warehouse.unstage("night-1")
        assert warehouse.staged_names() == []
    assert len(set(stored)) == 2
    assert stored_name("night-1", ["night_2", "night_1"]) == "night_1"  # as earlier versions stored it


def test_a_uri_of_a_scheme_without_a_file_system_is_refused(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match=r"dbfs:/w: Spark has no file system for dbfs: add its jar"):
        open_warehouse(spark, "dbfs:/w")


def test_a_uri_without_a_host_needs_a_default_file_system(spark: SparkSession) -> None:
    for uri in ("hdfs:/w", "hdfs:///w"):
        with pytest.raises(UsageError, match=r"no host, .* write hdfs://HOST:PORT/w, or set .*defaultFS"):
            open_warehouse(spark, uri)
    spark.conf.set("fs.defaultFS", "hdfs://127.0.0.1:9")
    try:
        assert open_warehouse(spark, "hdfs:/w").address.uri == "hdfs:/w"
    finally:
        spark.conf.unset("fs.defaultFS")


def test_a_folder_s_name_may_have_spaces_and_signs(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "my w #1 50% [new] {x} ü"
    warehouse = open_warehouse(spark, str(folder))
    use(warehouse)
    assert (folder / "things" / "_delta_log").is_dir()


def test_two_spellings_of_a_folder_share_one_lock(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "decisions.csv").write_text("listing_id,decision,reviewer,decided_at\n")
    words = ["review", "apply", str(tmp_path / "decisions.csv"), "--profile", "test", "--warehouse"]
    for table in (LISTINGS, TAXONOMY):
        open_warehouse(spark, str(tmp_path / "w")).create(table)
    with warehouse_lock(tmp_path / "w", "nightly", 0.0, dt.datetime(2026, 1, 5, 3, tzinfo=dt.UTC), print):
        for spelling in (f"file://{tmp_path}/w", f"file:{tmp_path}/w/", f"{tmp_path}/x/../w"):
            result = CliRunner().invoke(app, [*words, spelling])
            assert result.exit_code == 1
            assert "w is locked by job nightly" in " ".join(result.stderr.split())
    assert {path.name for path in (tmp_path / "w").iterdir()} <= {"_lock", "listings", "taxonomy"}


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    "command",
    [
        "models list",
        "models promote 1",
        "models rollback",
        "nightly --run-date 2026-11-28",
        "train",
        "report",
        "review",
    ],
)
def test_a_command_does_not_create_a_mistyped_warehouse(command: str, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("listing_id,decision,reviewer,decided_at\n")
    words = ["review", "apply", str(decisions)] if command == "review" else command.split()
    folder = tmp_path / "my-warehose"
    result = CliRunner().invoke(app, [*words, "--profile", "test", "--json", "--warehouse", str(folder)])
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert "my-warehose" in error
    assert "catalog-cleaner ingest" in error
    assert not folder.exists()


@pytest.mark.usefixtures("spark")
def test_runs_of_a_warehouse_that_does_not_exist_are_none_and_it_is_not_created(tmp_path: Path) -> None:
    folder = tmp_path / "my-warehose"
    result = CliRunner().invoke(app, ["runs", "--profile", "test", "--json", "--warehouse", str(folder)])
    printed = json.loads(result.stdout)
    assert (printed["runs_known"], printed["runs"], folder.exists()) == (0, [], False)
