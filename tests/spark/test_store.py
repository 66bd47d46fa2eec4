from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs.lifecycle.pins import Pins, release_pins, take_pins
from jobs.lifecycle.publications import last_publication
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_log import RunRecord, next_run_id, record
from jobs.warehouse.tables import Warehouse, conform, open_warehouse, read_published
from schemas.errors import FailedError, UsageError
from schemas.tables import LISTINGS, PREDICTIONS, SELLERS, TABLES, TAXONOMY
from tests.spark.frames import frame, rows_of

DAY = dt.date(2026, 1, 5)
NOW = dt.datetime(2026, 1, 5, 3, tzinfo=dt.UTC)
SELLER = "seller_id string, listings bigint, error_rate double, lower double, upper double"


def run(run_id: str, day: dt.date, versions: dict[str, int] | None, hour: int = 3) -> RunRecord:
    at = dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC)
    pins = Pins("7", 0, 0, None, None)
    return RunRecord(
        run_id, "nightly", day, "published" if versions else "failed", "s", {}, at, at, pins, None, versions
    )


def test_a_table_that_is_not_there_has_no_rows_and_no_version(warehouse: Warehouse) -> None:
    assert warehouse.version(SELLERS) is None
    assert warehouse.read(SELLERS).columns == list(SELLERS.names)
    assert warehouse.read(SELLERS).count() == 0


def test_every_declared_table_can_be_made(warehouse: Warehouse) -> None:
    for table in TABLES.values():
        warehouse.create(table)
        assert warehouse.read(table).columns == list(table.names)
        assert warehouse.version(table) == 0


def test_a_run_replaces_its_own_slice_and_no_other(warehouse: Warehouse) -> None:
    columns = "listing_id string, content_hash string, model_version string"
    rest = [c for c in PREDICTIONS.columns if c.name not in ("listing_id", "content_hash", "model_version")]

    def predicted(*rows: tuple[str, str, str]) -> object:
        nulls = {c.name: F.lit(None).cast(c.type) for c in rest}
        return frame(warehouse.spark, columns, *rows).withColumns(nulls)

    first, second = Slice("nightly", "n-1", DAY), Slice("nightly", "n-2", DAY + dt.timedelta(days=1))
    publish(warehouse, first, {"predictions": predicted(("a", "h1", "7"), ("b", "h1", "7"))})  # type: ignore[dict-item]
    publish(warehouse, second, {"predictions": predicted(("c", "h1", "7"))})  # type: ignore[dict-item]
    publish(warehouse, second, {"predictions": predicted(("a", "h2", "7"), ("b", "h1", "8"))})  # type: ignore[dict-item]
    # The new content of a ends its old prediction; b's under another model stays; c was of the slice that is replaced.
    assert rows_of(warehouse.read(PREDICTIONS), "listing_id", "content_hash", "model_version", "run_id") == [
        ("a", "h2", "7", "n-2"),
        ("b", "h1", "7", "n-1"),
        ("b", "h1", "8", "n-2"),
    ]


def test_rows_that_lack_a_column_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(FailedError, match="rows for sellers lack listings, error_rate"):
        conform(frame(warehouse.spark, "seller_id string", ("s",)), SELLERS)


def test_the_tables_of_a_publication_are_read_as_they_were_then(warehouse: Warehouse) -> None:
    for number, rate in ((1, 0.1), (2, 0.2)):
        mine = Slice("nightly", f"n-{number}", DAY + dt.timedelta(days=number))
        publish(warehouse, mine, {"sellers": frame(warehouse.spark, SELLER, ("s", 3, rate, 0.0, 1.0))})
        version = warehouse.version(SELLERS)
        assert version is not None
        record(warehouse, run(mine.run_id, mine.run_date, {"sellers": version}))
    warehouse.overwrite(SELLERS, warehouse.empty(SELLERS))  # a later run that has not published yet
    assert rows_of(read_published(warehouse, "sellers"), "error_rate") == [(0.2,)]
    assert rows_of(read_published(warehouse, "sellers", "n-1"), "error_rate") == [(0.1,)]
    with pytest.raises(UsageError, match="no publication n-9"):
        read_published(warehouse, "sellers", "n-9")
    with pytest.raises(UsageError, match="no table 'seller'"):
        read_published(warehouse, "seller")


def test_a_retry_takes_the_pins_of_the_first_attempt_unless_that_was_refused(warehouse: Warehouse) -> None:
    warehouse.create(LISTINGS)
    warehouse.create(TAXONOMY)
    first = take_pins(warehouse, "nightly", DAY, "7", NOW, keep=True)
    assert first == Pins("7", 0, 0, None, None)
    warehouse.append(TAXONOMY, frame(warehouse.spark, TAXONOMY.ddl, ("a", "A", "P", "D", False)))
    assert take_pins(warehouse, "nightly", DAY, "8", NOW, keep=True) == first
    release_pins(warehouse, "nightly", DAY)
    assert take_pins(warehouse, "nightly", DAY, "8", NOW, keep=True) == Pins("8", 0, 1, None, None)


def test_a_run_stands_on_the_last_publication_before_its_date(warehouse: Warehouse) -> None:
    warehouse.create(LISTINGS)
    warehouse.create(TAXONOMY)
    record(warehouse, run("n-1", DAY - dt.timedelta(days=2), {"sellers": 0}))
    record(warehouse, run("n-2", DAY - dt.timedelta(days=1), {"sellers": 1}))
    record(warehouse, run("n-3", DAY - dt.timedelta(days=1), None, hour=5))
    record(warehouse, run("n-4", DAY, {"sellers": 2}))
    assert take_pins(warehouse, "nightly", DAY, "7", NOW, keep=False).base_run_id == "n-2"
    last = last_publication(warehouse)
    assert last is not None
    assert last.run_id == "n-4"
    with pytest.raises(UsageError, match="n-4 is published, and a date is refused"):
        take_pins(warehouse, "nightly", DAY - dt.timedelta(days=1), "7", NOW, keep=False)


def test_attempts_at_a_date_are_numbered(warehouse: Warehouse) -> None:
    assert next_run_id(warehouse, "nightly", DAY) == "nightly-2026-01-05-1"
    record(warehouse, run("nightly-2026-01-05-1", DAY, None))
    assert next_run_id(warehouse, "nightly", DAY) == "nightly-2026-01-05-2"
    assert next_run_id(warehouse, "ingest", DAY) == "ingest-2026-01-05-1"


def test_what_is_staged_is_computed_once_and_can_be_removed(warehouse: Warehouse) -> None:
    staged = warehouse.stage("nightly-1", frame(warehouse.spark, "a int", (1,), (2,)).withColumn("r", F.rand()))
    assert rows_of(staged, "r") == rows_of(staged, "r")
    assert warehouse.folder is not None
    assert (warehouse.folder / "_staging" / "nightly_1").is_dir()
    warehouse.unstage("nightly-1")
    assert not (warehouse.folder / "_staging" / "nightly_1").exists()


def test_a_file_is_no_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        open_warehouse(warehouse.spark, str(tmp_path / "file"))
