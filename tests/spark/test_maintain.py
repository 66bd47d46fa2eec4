"""Maintenance: what is kept stays readable, the rest is removed, and a second run finds nothing to do."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.passing_days import pass_days
from conf.load import load_settings
from jobs.cli import app
from jobs.console.job import Job
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.run_log import RunRecord, record
from jobs.maintain import maintain
from jobs.maintenance.needs import find_needs
from jobs.store import read_published
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import (
    BACKFILLS,
    LISTING_CHANGES,
    LISTINGS,
    PINS,
    PREDICTIONS,
    RUNS,
    SELLERS,
    TABLES,
    TAXONOMY,
    Table,
)
from tests.spark.frames import frame, rows_of

NOW = dt.datetime.now(dt.UTC)
RATE = "seller_id string, error_rate double"
MANY = 30


def job_of(warehouse: Warehouse) -> Job:
    return Job("maintain", load_settings("test"), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))


def published(run_id: str, days: float, base: str | None, tables: dict[str, int], model: str = "7") -> RunRecord:
    """The row of a publication some days ago."""
    at = NOW - dt.timedelta(days=days)
    pins = Pins(model, tables.get("listings", 0), tables.get("taxonomy", 0), None, base)
    return RunRecord(run_id, "nightly", at.date(), "published", "s", {}, at, at, pins, None, tables)


class Past:
    """Writes a warehouse in which days pass between commits."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.base: str | None = None

    def write(self, table: Table, ddl: str, *rows: tuple[object, ...], add: bool = False) -> None:
        """Write rows; columns that are not named are null."""
        values = frame(self.warehouse.spark, ddl, *rows)
        rest = {c.name: F.lit(None).cast(c.type) for c in table.columns if c.name not in values.columns}
        (self.warehouse.append if add else self.warehouse.overwrite)(table, values.withColumns(rest).coalesce(1))

    def publish(self, run_id: str, days: float, model: str = "7") -> None:
        """Record a publication of the present versions; it will be some days old in the end."""
        tables = (LISTINGS, TAXONOMY, SELLERS, PREDICTIONS)
        versions = {table.name: version for table in tables if (version := self.warehouse.version(table)) is not None}
        record(self.warehouse, published(run_id, days, self.base, versions, model))
        self.base = run_id


@pytest.fixture
def aged(warehouse: Warehouse) -> Warehouse:
    """Publications 200, 100, 60 and 1 day old. The third has read a file of listings that was 100 days old."""
    past = Past(warehouse)
    predicted = "listing_id string, model_version string, job string"
    past.write(TAXONOMY, "category string, label string", ("bags", "Bags"))
    past.write(LISTINGS, "listing_id string", ("old",), add=True)
    past.write(PREDICTIONS, predicted, ("a", "5", "nightly"))
    past.write(SELLERS, RATE, ("s", 0.1))
    past.publish("n-1", 200, model="5")
    pass_days(warehouse, 100)
    past.write(LISTINGS, "listing_id string", ("a",), ("b",))
    past.write(SELLERS, RATE, ("s", 0.2))
    past.publish("n-2", 100, model="6")
    pass_days(warehouse, 40)
    past.write(LISTINGS, "listing_id string", ("c",), add=True)
    rows = (("a", "7", "nightly"), ("a", "9", "nightly"), ("b", "5", "nightly"))
    past.write(PREDICTIONS, predicted, *rows, add=True)
    past.write(SELLERS, RATE, ("s", 0.3))
    past.publish("n-3", 60)
    pass_days(warehouse, 40)
    past.write(LISTINGS, "listing_id string", ("c",), ("d",))
    pass_days(warehouse, 19)
    past.write(SELLERS, RATE, ("s", 0.4))
    past.publish("n-4", 1)
    changes = {c.name: F.lit(None).cast(c.type) for c in LISTING_CHANGES.columns if c.name != "listing_id"}
    many = warehouse.spark.range(0, MANY, 1, MANY).select(F.col("id").cast("string").alias("listing_id"))
    warehouse.append(LISTING_CHANGES, many.withColumns(changes))
    pass_days(warehouse, 1)
    return warehouse


def files_of(folder: Path) -> dict[str, int]:
    """All files with their sizes, except the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("_lock"))
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


def test_what_is_kept_stays_readable_and_the_rest_is_removed(aged: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = SimpleNamespace(find_champion=lambda: "9")
    monkeypatch.setattr("jobs.maintenance.leftovers.open_registry", lambda *_: registry)
    folder = aged.folder
    assert folder is not None
    for name in ("predictions", "archive_backfill-1"):
        aged.stage(name, frame(aged.spark, "a int", (1,)))
    assert aged.changes(LISTINGS, 0, 1) is not None
    before = files_of(folder)
    foreseen = maintain(job_of(aged), dry_run=True)
    assert files_of(folder) == before

    done = maintain(job_of(aged))
    names = ("predictions_deleted", "archives_removed", "files_removed", "tables_compacted", "oldest_readable")
    assert [done.facts[name] for name in names] == [2, 1, done.facts["files_removed"], 1, "n-3"]
    assert [foreseen.facts[name] for name in names] == [done.facts[name] for name in names]
    assert (done.facts["publications_known"], done.facts["publications_kept"]) == (4, 2)
    assert sorted(path.name for path in (folder / "_staging").iterdir()) == ["predictions"]
    [row] = aged.read(RUNS).where("job = 'maintain'").collect()
    assert (row.status, row.counts["files_removed"]) == ("done", done.facts["files_removed"])

    def rate(run_id: str) -> list[tuple[object, ...]]:
        return rows_of(read_published(aged, "sellers", run_id), "error_rate")

    assert (rate("n-3"), rate("n-4")) == ([(0.3,)], [(0.4,)])
    assert rows_of(read_published(aged, "listings", "n-3"), "listing_id") == [("a",), ("b",), ("c",)]
    with pytest.raises(UsageError, match=r"publication n-1 can no longer be read.*the newest is n-4"):
        rate("n-1")
    assert sum(path.startswith("sellers/part") and not (folder / path).exists() for path in before) == 1
    by_table = {row["table"]: row for row in done.sections[0].rows_by_name}
    assert (by_table["sellers"]["files_removed"], by_table["listings"]["files_removed"]) == (1, 1)
    assert by_table["sellers"]["versions_kept"] == 2
    # The change files of a version from before what VACUUM keeps may be gone, those of later versions are not.
    assert aged.changes(LISTINGS, 0, 1) is None
    later = aged.changes(LISTINGS, 3, 4)
    assert later is not None
    assert rows_of(later, "listing_id") == [("c",), ("d",)]
    assert rows_of(aged.read(PREDICTIONS), "model_version") == [("7",), ("9",)]
    assert len(aged.read(LISTING_CHANGES).inputFiles()) == 1
    assert aged.read(LISTING_CHANGES).count() == MANY

    # Delta's dry run names this folder, too, because no old file is in it.
    recent = folder / "taxonomy" / "_change_data" / "cdc-00000.c000.snappy.parquet"
    recent.parent.mkdir()
    recent.touch()
    again = maintain(job_of(aged))
    assert [again.facts[name] for name in names] == [0, 0, 0, 0, "n-3"]
    assert recent.exists()
    assert "VACUUM START" not in [commit.operation for commit in aged.commits(TAXONOMY)]
    operations = [commit.operation for commit in aged.commits(LISTING_CHANGES)]
    assert (operations.count("OPTIMIZE"), operations.count("VACUUM START")) == (1, 0)
    assert rate("n-3") == [(0.3,)]


def test_pins_and_unfinished_backfills_keep_what_they_read(warehouse: Warehouse) -> None:
    record(warehouse, published("n-1", 300, None, {"listings": 1, "sellers": 1}, model="5"))
    record(warehouse, published("n-2", 200, "n-1", {"listings": 3, "sellers": 2}, model="6"))
    record(warehouse, published("n-3", 120, "n-2", {"listings": 5, "sellers": 3}))
    record(warehouse, published("n-4", 100, "n-3", {"listings": 7, "sellers": 4}))

    def pin(days: int, version: int, hour: int, base: str) -> tuple[object, ...]:
        pins = Pins("7", version, 2, None, base)
        return ("nightly", (NOW - dt.timedelta(days=days)).date(), json.dumps(asdict(pins)), NOW.replace(hour=hour))

    warehouse.append(
        PINS,
        frame(
            warehouse.spark,
            PINS.ddl,
            pin(250, 2, 1, "n-1"),  # no longer possible: later dates are published
            pin(3, 8, 1, "n-1"),
            pin(3, 9, 2, "n-2"),  # newer pins of the same date
        ),
    )

    def event(name: str, what: str, days: int, version: int) -> tuple[object, ...]:
        at, date = NOW - dt.timedelta(days=days), NOW.date()
        return (name, what, date, date, f"model of {name}", "s", {"listings": version}, None, at)

    warehouse.append(
        BACKFILLS,
        frame(
            warehouse.spark,
            BACKFILLS.ddl,
            event("finished", "begun", 5, 11),
            event("finished", "done", 4, 11),
            event("given up", "begun", 91, 12),
            event("open", "begun", 89, 13),
        ),
    )
    needs = find_needs(warehouse, NOW - dt.timedelta(days=90))
    assert [run.run_id for run in needs.publications] == ["n-2", "n-3", "n-4"]
    assert needs.known == 4
    assert needs.versions == {"listings": {3, 5, 7, 9, 13}, "sellers": {2, 3, 4}, "taxonomy": {2}}
    assert needs.models == {"6", "7", "model of open"}
    assert needs.backfills == {"open"}


def test_a_mistyped_warehouse_is_refused_and_not_created(warehouse: Warehouse, tmp_path: Path) -> None:
    words = ["maintain", "--warehouse", str(tmp_path / "no"), "--profile", "test", "--json"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "contains no listings" in json.loads(refused.stdout)["error"]
    assert not (tmp_path / "no").exists()
    assert set(TABLES) > {"listings"}
    assert warehouse.version(LISTINGS) is None
