"""Tables of an earlier declaration are read with nulls and get new columns before the next write, or are refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from jobs.warehouse.evolution import missing_columns
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import FailedError
from schemas.tables import Column, Table
from tests.spark.frames import frame, rows_of

OLD = Table(
    name="things",
    kind="source",
    row="a thing, as the test's author knows it",
    key=("id",),
    columns=(
        Column("id", "INT", "its id"),
        Column("ranked", "ARRAY<STRUCT<category: STRING>>", "its categories"),
        Column("notes", "MAP<STRING, STRUCT<by: STRING>>", "what people wrote"),
    ),
    properties=(("delta.enableChangeDataFeed", "true"),),
)
NEW = replace(
    OLD,
    columns=(
        Column("id", "INT", "its id"),
        Column("source", "STRING", "where it comes from"),
        Column("ranked", "ARRAY<STRUCT<category: STRING, rank: INT>>", "its categories"),
        Column("notes", "MAP<STRING, STRUCT<by: STRING, day: DATE>>", "what people wrote"),
    ),
    version=2,
)
DAY = dt.date(2026, 1, 5)
FIRST = (1, [("bags",)], {"x": ("ada",)})
FIRST_TODAY = (1, None, [("bags", None)], {"x": ("ada", None)})
SECOND = (2, "count", [("hats", 1)], {"y": ("bob", DAY)})


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """A warehouse with a row of the old declaration, at version 1 of the table."""
    warehouse.append(OLD, frame(warehouse.spark, OLD.ddl, FIRST))
    return warehouse


def test_a_table_of_an_earlier_version_is_read_with_typed_nulls(stored: Warehouse) -> None:
    read = stored.read(NEW)
    assert read.schema == stored.empty(NEW).schema
    assert rows_of(read, *NEW.names) == [FIRST_TODAY]
    assert stored.version(NEW) == 1  # Reading writes nothing.


def test_the_columns_are_added_before_the_next_write_and_old_versions_can_still_be_read(stored: Warehouse) -> None:
    stored.append(NEW, frame(stored.spark, NEW.ddl, SECOND))
    assert rows_of(stored.read(NEW), *NEW.names) == [FIRST_TODAY, SECOND]
    assert rows_of(stored.read(NEW, 1), *NEW.names) == [FIRST_TODAY]
    again = stored.version(NEW)
    stored.create(NEW)
    assert stored.version(NEW) == again  # A complete table stays as it is.


def test_the_change_feed_works_across_an_added_column(stored: Warehouse) -> None:
    stored.append(NEW, frame(stored.spark, NEW.ddl, SECOND))
    last = stored.version(NEW)
    assert last is not None
    before, over = stored.changes(NEW, 0, 1), stored.changes(NEW, 0, last)
    assert before is not None
    assert over is not None
    assert rows_of(before, *NEW.names, "_commit_version") == [(*FIRST_TODAY, 1)]
    assert rows_of(over, *NEW.names, "_commit_version") == [(*FIRST_TODAY, 1), (*SECOND, last)]


def test_there_are_no_changes_without_a_feed_or_where_delta_has_removed_versions(stored: Warehouse) -> None:
    silent = replace(OLD, name="silent", properties=())
    stored.append(silent, frame(stored.spark, OLD.ddl, FIRST))
    assert stored.changes(silent, 0, 1) is None

    kept = replace(OLD, name="kept", properties=(*OLD.properties, ("delta.checkpointInterval", "2")))
    for _ in range(3):
        stored.append(kept, frame(stored.spark, OLD.ddl, FIRST))
    assert stored.folder is not None
    for version in (0, 1):
        (stored.folder / "kept" / "_delta_log" / f"{version:020}.json").unlink()
    assert stored.changes(kept, 0, 3) is None
    later = stored.changes(kept, 2, 3)
    assert later is not None
    assert rows_of(later, "id", "_commit_version") == [(1, 3)]


@pytest.mark.parametrize("write", ["overwrite", "merge"])
def test_every_way_of_writing_adds_the_columns_first(stored: Warehouse, write: str) -> None:
    rows = frame(stored.spark, NEW.ddl, SECOND)
    if write == "overwrite":
        stored.overwrite(NEW, rows)
    else:
        merge = stored.table(NEW).alias("old").merge(rows.alias("new"), "old.id + 1 = new.id")
        merge.whenMatchedUpdate(set={name: f"new.{name}" for name in NEW.names}).execute()
    assert rows_of(stored.read(NEW), *NEW.names) == [SECOND]


def test_a_slice_is_replaced_in_a_table_of_an_earlier_version(warehouse: Warehouse) -> None:
    columns = (
        Column("job", "STRING", "the job"),
        Column("run_date", "DATE", "its date"),
        Column("metric", "STRING", "what it says"),
    )
    old = Table("facts", "fact", "a fact", ("job",), columns, partition=("job", "run_date"))
    new = replace(old, columns=(*columns, Column("value", "DOUBLE", "its value")), version=2)
    warehouse.append(old, frame(warehouse.spark, old.ddl, ("train", DAY, "a"), ("nightly", DAY, "b")))
    warehouse.replace_slice(new, frame(warehouse.spark, new.ddl, ("nightly", DAY, "c", 0.5)), "nightly", DAY)
    assert rows_of(warehouse.read(new), *new.names) == [("nightly", DAY, "c", 0.5), ("train", DAY, "a", None)]


def test_a_column_of_another_type_is_refused_for_reading_and_writing(stored: Warehouse) -> None:
    text = Column("id", "STRING", "its id")
    changed = replace(OLD, columns=(text, *OLD.columns[1:]), version=2)
    said = "table things: column id is stored as INT, but this catalog-cleaner needs STRING"
    with pytest.raises(FailedError, match=said):
        stored.read(changed)
    with pytest.raises(FailedError, match=said):
        stored.append(changed, stored.empty(changed))
    nested = replace(OLD, columns=(OLD.columns[0], Column("ranked", "ARRAY<STRUCT<category: INT>>", "ids"), text))
    with pytest.raises(FailedError, match=r"column ranked.element.category is stored as STRING.* needs INT"):
        stored.read(nested)
    assert stored.version(OLD) == 1


def test_a_table_of_a_newer_version_is_refused_for_reading_and_writing(stored: Warehouse) -> None:
    stored.create(NEW)
    # A new command of the older program opens the warehouse.
    older = open_warehouse(stored.spark, stored.location)
    said = "table things has version 2, but this catalog-cleaner supports only version 1: .*Upgrade catalog-cleaner"
    with pytest.raises(FailedError, match=said):
        older.read(OLD)
    with pytest.raises(FailedError, match=said):
        older.append(OLD, older.empty(OLD))


def test_missing_columns_are_named_in_alter_table_syntax(stored: Warehouse) -> None:
    assert missing_columns(NEW, stored.empty(OLD).schema) == {
        "source": "string",
        "ranked.element.rank": "int",
        "notes.value.day": "date",
    }
    assert missing_columns(OLD, stored.empty(NEW).schema) == {}
