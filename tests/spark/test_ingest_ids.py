"""Ids that programs have turned into numbers, and times in formats that settings name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.ingest_settings import IngestSettings
from jobs.ingestion.numeric_ids import unify_ids
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS
from tests.spark.deliveries import Deliver, listing, opened
from tests.spark.frames import frame, rows_of


def _ids(spark: SparkSession, path: Path) -> list[tuple[Any, ...]]:
    """The ids of a file, and whether they are damaged."""
    rows = unify_ids(opened(spark, path, IngestSettings(updated_at="2024-01-02")).rows)
    return rows_of(rows.selectExpr("listing_id", "size(reasons) > 0 AS bad"), "listing_id", "bad")


def test_numbers_are_the_same_ids_in_all_formats(spark: SparkSession, tmp_path: Path) -> None:
    numbers = [123.0, 7.5, -4.0, 9007199254740992.0, 8.41e12]
    found = [("-4", False), ("123", False), ("7.5", False), ("8410000000000", False), ("9007199254740992", True)]
    frame_ = pd.DataFrame({"listing_id": [*numbers, None]})
    frame_.to_parquet(tmp_path / "a.parquet")
    frame_.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.jsonl").write_text("\n".join(f'{{"listing_id": {number!r}}}' for number in [*numbers, 5.0]))
    assert [row for row in _ids(spark, tmp_path / "a.parquet") if row[0]] == found
    (tmp_path / "a.csv").write_text(
        "listing_id\n" + "".join(f"{n!r}\n" for n in numbers if n < 1e15) + "9007199254740992.0\n"
    )
    assert _ids(spark, tmp_path / "a.csv") == found
    (tmp_path / "a.jsonl").write_text("\n".join(f'{{"listing_id": {n:.1f}}}' for n in numbers))
    assert _ids(spark, tmp_path / "a.jsonl") == found


def test_an_id_that_a_spreadsheet_has_rounded_is_damaged_in_json_too(spark: SparkSession, tmp_path: Path) -> None:
    rows = '{"listing_id": 8.41E+12, "title": "a"}', '{"listing_id": 5.0, "title": "8.41E+12"}'
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    assert _ids(spark, tmp_path / "a.jsonl") == [("5", False), ("8.41E+12", True)]
    (tmp_path / "b.json").write_text(f"[{','.join(rows)}]")
    assert _ids(spark, tmp_path / "b.json") == [("5", False), ("8.41E+12", True)]


def test_a_point_belongs_to_an_id_unless_all_are_numbers(spark: SparkSession) -> None:
    rows = [("1.0",), ("2",), (None,), ("8.41E+12",)]
    assert rows_of(unify_ids(frame(spark, "listing_id string", *rows)), "listing_id") == [
        ("1",), ("2",), ("8.41E+12",), (None,)
    ]  # fmt: skip
    for other in ("007", "A1", "1.0.0", "-"):
        assert ("1.0",) in rows_of(unify_ids(frame(spark, "listing_id string", *rows, (other,))), "listing_id"), other
    stored = frame(spark, "listing_id string", ("1.0",), ("1.00",), ("2.0",), ("2",), ("x",))
    known = unify_ids(frame(spark, "listing_id string, row_number long", ("1", 1), ("2", 2), ("3.0", 3)), stored)
    assert rows_of(known, "row_number", "listing_id") == [(1, "1.0"), (2, "2"), (3, "3")]


def test_a_stored_listing_is_found_again_and_mixed_titles_are_said(deliver: Deliver, warehouse: Warehouse) -> None:
    deliver(listing("5.0"), listing("a"))
    again = deliver(listing("5", day=2, title="new"), listing("6.0", day=2))
    assert (again.facts["inserted"], again.facts["updated"]) == (1, 1)
    stored = rows_of(warehouse.read(LISTINGS), "listing_id", "title")
    assert stored == [("5.0", "new"), ("6", "title of 6.0"), ("a", "title of a")]
    shared = [listing("b", title=f"title {n}", day=1 + n % 2) for n in range(4)]
    summary = deliver(*shared, listing("c"), listing("c", title=" Title of C"), listing("d"), listing("d", title=""))
    assert summary.facts["ids_with_several_titles"] == 1
    assert any(hint.startswith("1 listing id has rows with different titles; 'b' has 4.") for hint in summary.hints)


def test_times_are_read_as_a_setting_says(spark: SparkSession, tmp_path: Path) -> None:
    def times(written: str | None, *values: Any, **settings: Any) -> list[Any]:  # noqa: ANN401 - any column's values
        ids = pa.array([str(n) for n in range(len(values))])
        pq.write_table(pa.table({"listing_id": ids, "updated_at": pa.array(values)}), tmp_path / "rows.parquet")
        rows = opened(spark, tmp_path / "rows.parquet", IngestSettings(time_format=written, **settings)).rows
        return [row.reasons or row.updated_at for row in rows.orderBy("row_number").collect()]

    time, bad = dt.datetime(2024, 3, 2, 4, 5), ["invalid_updated_at"]  # noqa: DTZ001 - Spark returns naive times in UTC
    assert times("dd.MM.yyyy HH:mm", "02.03.2024 04:05", " 02.03.2024 04:05", "2.3.2024", "2024-03-02", None) == [
        time, time, bad, bad, ["missing_updated_at"]
    ]  # fmt: skip
    assert times("MM/dd/yyyy hh:mm a XXX", "03/02/2024 06:05 AM +02:00") == [time]
    assert times("yyyyMMdd", 20240302) == [time.replace(hour=0, minute=0)]
    assert times("seconds", 1709352300, 1) == [time, dt.datetime(1970, 1, 1, 0, 0, 1)]  # noqa: DTZ001
    assert times("milliseconds", "1709352300000", "x") == [time, bad]
    assert times(None, "2024-06-02T12:00:00Z", max_future_days=0.5) == [["future_updated_at"]]
    assert times(None, "2024-07-01T12:00:00Z", max_future_days=30)[0].month == 7
    for written, fault in (("dd.mm.yyyy", r"it lacks a month \(MM, not mm\)"), ("dd.MM.yyyy b", "ingest.time_format")):
        with pytest.raises(UsageError, match=fault):
            times(written, "02.03.2024")


def test_dates_of_old_spark_versions_are_read(spark: SparkSession, tmp_path: Path) -> None:
    """Spark 2 wrote times as INT96; at dates before 1900, whose calendar is not sure, Spark may stop."""
    time = dt.datetime(2024, 3, 2, 4, 5)  # noqa: DTZ001 - Spark returns naive times in UTC
    table = pa.table(
        {
            "listing_id": pa.array(["1"]),
            "updated_at": pa.array([time], pa.timestamp("ns")),
            "made": pa.array([dt.date(1200, 5, 6)]),
            "first": pa.array([time.replace(year=1850)], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, tmp_path / "old.parquet", use_deprecated_int96_timestamps=True)
    assert "int96" in str(pq.ParquetFile(tmp_path / "old.parquet").schema)
    settings = IngestSettings(attributes={"made": "made", "first": "first"})
    assert rows_of(opened(spark, tmp_path / "old.parquet", settings).rows, "updated_at", "attributes", "reasons") == [
        (time, {"made": "1200-05-06", "first": "1850-03-02 04:05:00"}, [])
    ]
