"""What the log of a table says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.warehouse.forgetting import forget_history
from jobs.warehouse.signing import Signature, signed
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.tables import TAXONOMY
from tests.spark.frames import frame


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return open_warehouse(spark, str(tmp_path / "warehouse"))


def copy_commit(warehouse: Warehouse, version: int) -> Path:
    """Write a copy of a commit where Delta's log store with DynamoDB leaves it; returns the folder."""
    folder = Path(warehouse.location) / TAXONOMY.name / "_delta_log" / ".tmp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{version:020}.json.c0b1").touch()
    return folder


def test_a_log_says_version_properties_and_signatures(warehouse: Warehouse) -> None:
    warehouse.create(TAXONOMY)
    with signed(warehouse.spark, "r-1", 7):
        warehouse.commit_once(TAXONOMY, "test", 1)
    warehouse.commit_once(TAXONOMY, "test", 2)
    log = warehouse.log(TAXONOMY)
    assert log.version() == 2
    assert log.properties()["catalog-cleaner.version"] == str(TAXONOMY.version)
    assert list(log.signatures()) == [(2, None), (1, Signature("r-1", 7)), (0, None)]
    assert (log.own_version("r-1"), log.own_version("r-2")) == (1, None)


def test_a_log_whose_beginning_delta_has_removed_says_what_is_left(warehouse: Warehouse) -> None:
    warehouse.create(TAXONOMY)
    for number in (1, 2, 3):
        warehouse.commit_once(TAXONOMY, "test", number)
    copies = copy_commit(warehouse, 4)
    copy_commit(warehouse, 999)
    forget_history(warehouse, TAXONOMY)
    assert [path.name[18:25] for path in copies.iterdir()] == ["99.json"]
    log = warehouse.log(TAXONOMY)
    assert log.version() > 3
    assert [version for version, _ in log.signatures()] == [log.version(), log.version() - 1]


def test_copies_of_commits_alone_are_no_table(warehouse: Warehouse) -> None:
    copy_commit(warehouse, 0)
    assert not warehouse.exists(TAXONOMY)
    warehouse.create(TAXONOMY)
    assert warehouse.version(TAXONOMY) == 0


def test_what_was_collected_is_remembered_until_the_table_changes(warehouse: Warehouse) -> None:
    queries: list[DataFrame] = []

    def query(stored: DataFrame) -> DataFrame:
        queries.append(stored)
        return stored

    def collect() -> int:
        return len(warehouse.collect_newest(TAXONOMY, query))

    assert (collect(), len(queries)) == (0, 0)
    warehouse.create(TAXONOMY)
    assert [collect(), collect(), len(queries)] == [0, 0, 1]
    category = frame(warehouse.spark, TAXONOMY.ddl, tuple(None for _ in TAXONOMY.columns))
    warehouse.append(TAXONOMY, category)
    assert [collect(), collect(), len(queries)] == [1, 1, 2]
