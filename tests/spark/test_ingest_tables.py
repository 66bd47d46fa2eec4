"""Deliveries as Delta tables, and as Parquet files of different columns and types."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from conf.ingest_settings import IngestSettings
from conf.load import load_settings
from jobs.console.job import Job
from jobs.ingestion.copies import Copies
from jobs.ingestion.deliveries import Delivery, open_delivery
from jobs.ingestion.files import find_local_files
from jobs.warehouse.address import parse_address
from schemas.errors import UsageError
from tests.spark.deliveries import NOW, opened
from tests.spark.frames import rows_of

TIME = pa.array([dt.datetime(2024, 1, 2, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))


def delta(spark: SparkSession, location: str, version: int | None = None) -> Delivery:
    return open_delivery(spark, location, IngestSettings(), NOW, Copies(Path(), None, ""), version)


def titles(delivery: Delivery) -> list[tuple[object, ...]]:
    return rows_of(delivery.rows.where("size(reasons) = 0"), "listing_id", "title")


def test_a_delta_table_is_read_as_it_is_or_at_a_version(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    rows = spark.range(3).select(
        F.col("id").cast("string").alias("listing_id"),
        F.lit("2024-01-02").alias("updated_at"),
        F.lit("a").alias("title"),
    )
    rows.write.format("delta").save(path)
    table = DeltaTable.forPath(spark, path)
    table.delete("listing_id = '1'")
    table.update("listing_id = '2'", {"title": "'b'"})
    assert titles(delta(spark, path)) == [("0", "a"), ("2", "b")]
    assert titles(delta(spark, path, 0)) == [("0", "a"), ("1", "a"), ("2", "a")]
    with pytest.raises(UsageError, match=r"table cannot be read: .*version 9"):
        delta(spark, path, 9)


def test_a_table_of_a_catalogue_is_read_by_its_name(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(1).selectExpr("'1' AS listing_id", "'2024-01-02' AS updated_at", "'a' AS title")
    rows.write.format("delta").option("path", str(tmp_path / "stored")).saveAsTable("default.shop_listings")
    try:
        assert titles(delta(spark, "default.shop_listings")) == [("1", "a")]
    finally:
        spark.sql("DROP TABLE default.shop_listings")
    with pytest.raises(UsageError, match=r"default.shop_listings: no such file"):
        delta(spark, "default.shop_listings")


def test_only_a_table_has_versions(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("listing_id,updated_at\n1,2024-01-02\n")
    with pytest.raises(UsageError, match=r"rows.csv is no Delta table, so it has no version 3"):
        delta(spark, str(tmp_path / "rows.csv"), 3)


def test_a_partitioned_folder_is_refused_for_what_it_is(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(2).selectExpr("id AS listing_id", "id AS day").write.partitionBy("day").parquet(str(tmp_path / "rows"))
    with pytest.raises(UsageError, match=r"rows is divided by day \(day=0, ...\), which its files do not contain"):
        opened(spark, tmp_path / "rows")


def test_a_partition_of_a_delta_table_is_no_delivery(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(2).selectExpr("id AS listing_id", "id AS day")
    rows.write.format("delta").partitionBy("day").save(str(tmp_path / "table"))
    address = parse_address(str(tmp_path), lambda _: True)
    job = Job("ingest", load_settings("test"), address, lambda: pytest.fail("Spark started"), NOW, Console(quiet=True))
    folder = tmp_path / "table" / "day=1"
    for location in (folder, next(folder.glob("*.parquet"))):
        with pytest.raises(UsageError, match=f"^{location} is a part of the Delta table {tmp_path / 'table'}, and may"):
            find_local_files(job, str(location))
    assert find_local_files(job, str(tmp_path / "table")) is not None


def test_a_column_without_values_is_an_absent_column(spark: SparkSession, tmp_path: Path) -> None:
    """pandas gives it a type of its own, which Spark takes for numbers, and which is no type of a picture."""
    nothing = pa.nulls(1)
    pq.write_table(
        pa.table({"listing_id": ["1"], "updated_at": TIME, "title": ["a"], "image": nothing, "category": nothing}),
        tmp_path / "rows.parquet",
    )
    delivery = opened(spark, tmp_path / "rows.parquet")
    assert titles(delivery) == [("1", "a")]
    assert rows_of(delivery.rows, "image", "category") == [(None, None)]
    assert delivery.counted == 1


def test_types_and_names_may_differ_between_the_files_of_a_folder(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    pq.write_table(
        pa.table({"listing_id": ["1"], "updated_at": TIME, "price": ["2.5"], "title": ["a"]}), folder / "a.parquet"
    )
    pq.write_table(
        pa.table({"listing_id": [2], "updated_at": ["2024-01-02"], "price": [3], "Title": ["b"]}), folder / "b.parquet"
    )
    pq.write_table(pa.table({"listing_id": [3.0], "updated_at": TIME, "price": pa.nulls(1)}), folder / "c.parquet")
    delivery = opened(spark, folder)
    found = rows_of(delivery.rows, "listing_id", "price", "title", "reasons")
    assert found == [("1", 2.5, "a", []), ("2", 3.0, "b", []), ("3", None, None, [])]
    assert delivery.counted == 3
    assert delivery.ignored_columns == ()
    assert delivery.rows.select("row_number").distinct().count() == 3
