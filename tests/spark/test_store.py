from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs.lifecycle.pins import Pins, TakenPins, release_pins, take_pins
from jobs.lifecycle.publications import find_publication
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_log import RunRecord, new_run_id, record
from jobs.store import read_published
from jobs.warehouse.evolution import conform
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import FailedError, UsageError
from schemas.tables import LISTINGS, PINS, PREDICTIONS, SELLERS, TABLES, TAXONOMY
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


def test_a_missing_table_has_no_rows_and_no_version(warehouse: Warehouse) -> None:
    assert warehouse.version(SELLERS) is None
    assert warehouse.read(SELLERS).columns == list(SELLERS.names)
    assert warehouse.read(SELLERS).count() == 0


def test_every_declared_table_can_be_created(warehouse: Warehouse) -> None:
    for table in TABLES.values():
        warehouse.create(table)
        assert warehouse.read(table).columns == list(table.names)
        assert warehouse.version(table) == 0


def test_a_table_whose_creation_was_killed_is_created(warehouse: Warehouse) -> None:
    assert warehouse.folder is not None
    log = warehouse.folder / "taxonomy" / "_delta_log"
    log.mkdir(parents=True)
    (log / f".{0:020}.json.tmp").touch()
    assert not warehouse.exists(TAXONOMY)
    warehouse.append(TAXONOMY, warehouse.empty(TAXONOMY))
    properties = warehouse.properties(TAXONOMY)
    assert properties["catalog-cleaner.version"] == str(TAXONOMY.version)
    assert properties["delta.deletedFileRetentionDuration"] == "interval 120 days"


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
    # a has new content, which ends its old prediction; b's of another model stays; c was in the replaced slice.
    assert rows_of(warehouse.read(PREDICTIONS), "listing_id", "content_hash", "model_version", "run_id") == [
        ("a", "h2", "7", "n-2"),
        ("b", "h1", "7", "n-1"),
        ("b", "h1", "8", "n-2"),
    ]


def test_applied_backfills_of_a_date_stand_beside_each_other(warehouse: Warehouse) -> None:
    """What one has left that did not publish is replaced, and a listing that is scored again is in one of them."""
    for source in (LISTINGS, TAXONOMY):
        warehouse.create(source)
    nulls = {c.name: F.lit(None).cast(c.type) for c in PREDICTIONS.columns}

    def apply(run_id: str, *listings: str, published: bool = True) -> None:
        rows = frame(warehouse.spark, "listing_id STRING", *((listing,) for listing in listings))
        values = nulls | {"listing_id": F.col("listing_id"), "model_version": F.lit("7")}
        publish(warehouse, Slice("backfill", run_id, DAY), {"predictions": rows.withColumns(values)})
        if published:
            record(warehouse, replace(run(run_id, DAY, {"predictions": 0}), job="backfill"))

    apply("b-1", "a", "b")
    apply("b-2", "c", published=False)
    apply("b-3", "b", "d")
    assert rows_of(warehouse.read(PREDICTIONS), "listing_id", "run_id") == [("a", "b-1"), ("b", "b-3"), ("d", "b-3")]
    with pytest.raises(UsageError, match=r"2026-01-05: b-1, b-3 decided some .* first: catalog-cleaner revert b-3"):
        pins_of(warehouse, "7")
    assert pins_of(warehouse, "7", DAY + dt.timedelta(days=1)).pins.base_run_id == "b-3"


def test_rows_without_a_declared_column_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(FailedError, match="rows for table sellers lack the columns listings, error_rate"):
        conform(frame(warehouse.spark, "seller_id string", ("s",)), SELLERS)


def test_the_tables_of_a_publication_are_read_as_they_were_then(warehouse: Warehouse) -> None:
    for number, rate in ((1, 0.1), (2, 0.2)):
        mine = Slice("nightly", f"n-{number}", DAY + dt.timedelta(days=number))
        sellers = frame(warehouse.spark, SELLER, ("s", 3, rate, 0.0, 1.0))
        no_sellers = warehouse.empty(SELLERS).drop("run_id", "run_date")
        publish(warehouse, mine, {"sellers": no_sellers.unionByName(sellers, allowMissingColumns=True)})
        version = warehouse.version(SELLERS)
        assert version is not None
        record(warehouse, run(mine.run_id, mine.run_date, {"sellers": version}))
    warehouse.overwrite(SELLERS, warehouse.empty(SELLERS))  # a later run that has not published yet
    assert rows_of(read_published(warehouse, "sellers"), "error_rate") == [(0.2,)]
    assert rows_of(read_published(warehouse, "sellers", "n-1"), "error_rate") == [(0.1,)]
    # A table that did not exist at the publication has no rows; the table runs is read at its current version.
    warehouse.append(TAXONOMY, frame(warehouse.spark, TAXONOMY.ddl, ("a", "A", "P", "D", False)))
    assert read_published(warehouse, "taxonomy").count() == 0
    assert rows_of(read_published(warehouse, "runs"), "run_id") == [("n-1",), ("n-2",)]
    with pytest.raises(UsageError, match="run 'n-9' was not published; the newest publication is n-2"):
        read_published(warehouse, "sellers", "n-9")
    with pytest.raises(UsageError, match="there is no table 'seller'"):
        read_published(warehouse, "seller")


def pins_of(warehouse: Warehouse, champion: str, day: dt.date = DAY, *, fresh: bool = False) -> TakenPins:
    now = NOW + dt.timedelta(minutes=warehouse.read(PINS).count())
    return take_pins(warehouse, "nightly", day, champion, now, keep=True, fresh=fresh)


def test_a_retry_reads_the_tables_of_the_first_attempt_with_the_champion_of_today(warehouse: Warehouse) -> None:
    warehouse.create(LISTINGS)
    warehouse.create(TAXONOMY)
    assert pins_of(warehouse, "7") == TakenPins(Pins("7", 0, 0, None, None))
    warehouse.append(TAXONOMY, frame(warehouse.spark, TAXONOMY.ddl, ("a", "A", "P", "D", False)))
    retry = pins_of(warehouse, "6")  # version 7 has been rolled back
    assert retry.pins == Pins("6", 0, 0, None, None)
    assert "did not publish" in retry.note
    release_pins(warehouse, "nightly", DAY)
    assert pins_of(warehouse, "8").pins == Pins("8", 0, 1, None, None)


def test_a_published_date_keeps_its_pins_unless_fresh_pins_are_requested(warehouse: Warehouse) -> None:
    warehouse.create(LISTINGS)
    warehouse.create(TAXONOMY)
    first = pins_of(warehouse, "7").pins
    record(warehouse, run("n-1", DAY, {"sellers": 0}))
    warehouse.append(TAXONOMY, frame(warehouse.spark, TAXONOMY.ddl, ("a", "A", "P", "D", False)))
    rerun = pins_of(warehouse, "8")
    assert rerun.pins == first
    assert "with model 7 (use --fresh-pins for the current versions)" in rerun.note
    assert pins_of(warehouse, "8", fresh=True) == TakenPins(Pins("8", 0, 1, None, None))
    # The attempt with fresh pins did not publish, or was refused: the date's publication still counts.
    release_pins(warehouse, "nightly", DAY)
    assert pins_of(warehouse, "9").pins == first


def test_a_run_builds_on_the_last_publication_before_its_date(warehouse: Warehouse) -> None:
    warehouse.create(LISTINGS)
    warehouse.create(TAXONOMY)
    record(warehouse, run("n-1", DAY - dt.timedelta(days=2), {"sellers": 0}))
    record(warehouse, run("n-2", DAY - dt.timedelta(days=1), {"sellers": 1}))
    record(warehouse, run("n-3", DAY - dt.timedelta(days=1), None, hour=5))
    assert pins_of(warehouse, "7").pins.base_run_id == "n-2"
    back = run("r-2", DAY - dt.timedelta(days=1), {"sellers": 0}, hour=6)
    record(warehouse, replace(back, job="revert", reverts="n-2", pins=Pins("7", 0, 0, None, "n-1")))
    assert pins_of(warehouse, "7").pins.base_run_id == "r-2", "a retry does not stand on what was taken back"
    record(warehouse, run("n-4", DAY, {"sellers": 2}))
    assert find_publication(warehouse).run_id == "n-4"
    with pytest.raises(UsageError, match="the later run n-4 is already published"):
        pins_of(warehouse, "7", DAY - dt.timedelta(days=1))


def test_two_runs_that_start_at_once_have_different_ids() -> None:
    ids = {new_run_id("nightly", DAY) for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"nightly-2026-01-05-[0-9a-f]{6}", run_id) for run_id in ids)


def test_a_staged_table_is_computed_once_and_can_be_removed(warehouse: Warehouse) -> None:
    staged = warehouse.stage("nightly-1", frame(warehouse.spark, "a int", (1,), (2,)).withColumn("r", F.rand()))
    assert rows_of(staged, "r") == rows_of(staged, "r")
    assert warehouse.folder is not None
    assert (warehouse.folder / "_staging" / "nightly_1").is_dir()
    warehouse.unstage("nightly-1")
    assert warehouse.staged_names() == []


def test_a_file_is_refused_as_a_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        open_warehouse(warehouse.spark, str(tmp_path / "file"))
