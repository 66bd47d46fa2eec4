"""Erasing from a small warehouse: killed in the middle, run again, and proved by reading every file."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.erase import erase
from jobs.erasure.id_files import read_ids
from jobs.ingestion.groups import bucket
from jobs.lifecycle.pins import take_pins
from jobs.lifecycle.publications import find_publication, publications, publications_since, read_published
from jobs.lifecycle.reverts import find_undoing
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.runs import runs
from jobs.warehouse.commits import REMOVED_PROPERTY
from jobs.warehouse.forgetting import forget_history, is_forgetting
from jobs.warehouse.tables import Warehouse
from jobs.warehouse.upkeep import set_properties
from schemas.errors import FailedError, UsageError
from schemas.tables import LISTING_CHANGES, LISTINGS, PINS, QUARANTINE, REVIEW_DECISIONS, SUPPRESSIONS, TAXONOMY, Table
from tests.spark.frames import rows_of
from tests.spark.published import Writer, flag, listing, metric

_KEPT = {"stay": "erase-me-1", "moved": "stay"}
"""Duplicate -> the listing that is kept."""
NIGHT = "nightly-2026-03-01-1"
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
GONE = re.compile(r"(?<!\w)(erase-me-1|erase-me-2|seller-17)(?!\w)")


@pytest.fixture
def published(warehouse: Warehouse) -> Warehouse:
    """A publication, and ids in notes, raw rows, the name of a group, removed files, a staged table and an export."""
    rows = [
        listing("erase-me-1", "boots", "shoes", "corrected", 0.97, group_id="erase-me-1", bucket=1),
        listing("erase-me-2", "boots", "boots", seller_id="seller-17", group_id="stay", bucket=2),
        listing("stay", "boots", "boots", group_id="erase-me-1", bucket=1),
        listing("moved", "bags", "bags", group_id="moved", bucket=3),
    ]
    writer = Writer(warehouse)
    writer.write(TAXONOMY, [{"category": "boots"}, {"category": "shoes"}, {"category": "bags"}])
    writer.write(LISTINGS, rows)
    changes = [{**row, "delivery_id": "ingest-1", "change": "inserted"} for row in rows]
    earlier = {**changes[3], "delivery_id": "ingest-0", "seller_id": "seller-17"}
    writer.write(LISTING_CHANGES, [*changes, earlier])
    note = {"decision_id": "1", "listing_id": "stay", "decision": "skip", "note": "same as erase-me-1"}
    writer.write(REVIEW_DECISIONS, [note])
    raw = ('{"title": "by seller-17"}', '{"title": "other"}')
    tables: dict[str, Any] = {
        "quarantine": [{"row_number": n, "raw": text} for n, text in enumerate(raw)],
        "corrections": [{"listing_id": "stay", "event": "begun"}],
        "clean_listings": [{**row, "duplicate_of": _KEPT.get(row["listing_id"])} for row in rows],
        "duplicate_pairs": [
            {"listing_id": one, "other_listing_id": other} for one, other in (("erase-me-1", "stay"), ("moved", "stay"))
        ],
        "explanations": [
            {"listing_id": one, "similar": [("erase-me-1", 0.9), ("fine", 0.8)], "seller_words": [("trail", 0.4)]}
            for one in ("erase-me-2", "stay")
        ],
        "flagged_items": [flag("erase-me-2", 0.9), {**flag("stay", 0.8), "explanation": "as erase-me-2, but cheaper"}],
        "sellers": [{"seller_id": "s-1"}, {"seller_id": "seller-17"}],
        "quality_metrics": [metric("listings", 4.0)],
    }
    writer.night(NIGHT, tables, seconds=5)
    warehouse.table(LISTINGS).update(F.col("listing_id") == "erase-me-1", {"price": F.lit(2.0)})
    warehouse.stage("predictions", warehouse.read(LISTING_CHANGES))
    assert warehouse.folder is not None
    (warehouse.folder / "export.csv").write_text("listing_id\nerase-me-1\nstay\n")
    return warehouse


def run(warehouse: Warehouse, *settings: str, **options: Any) -> Summary:  # noqa: ANN401 - whatever the options' types are
    job = Job("erase", load_settings("test", settings), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))
    return erase(job, listing=["erase-me-1"], seller=["seller-17"], **options)


def files_that_name_it(folder: Path) -> set[str]:
    """Read with other code than that which is tested."""
    found = set()
    for file in (path for path in folder.rglob("*") if path.is_file()):
        is_parquet = file.suffix == ".parquet" and not file.name.startswith(".")
        content = str(pq.ParquetFile(file).read().to_pylist()) if is_parquet else file.read_bytes().decode("latin-1")
        if GONE.search(content):
            found.add(file.relative_to(folder).parts[0])
    return found


def test_an_erasure_that_was_killed_is_finished_by_the_next(
    published: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, folder = published, published.folder
    assert folder is not None
    everywhere = files_that_name_it(folder)
    assert everywhere >= {"listings", "listing_changes", "quarantine", "review_decisions", "_staging"}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    dry = run(warehouse, dry_run=True)
    assert {row[0] for row in dry.sections[0].rows} == everywhere
    page = folder / "page.html"
    page.write_text("<b>erase-me-2</b>")
    refusal = r"nothing was changed: files name it, .* from them: \S+/page.html. Remove them"
    with pytest.raises(FailedError, match=refusal):
        run(warehouse, dry_run=False)
    page.unlink()
    changed = {path.relative_to(folder).parts[0] for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed <= {"_lock"}

    def until_the_last(warehouse: Warehouse, table: Table) -> None:
        if table is LISTING_CHANGES:
            # As if it had been killed a little earlier, in the middle of another table.
            set_properties(warehouse, LISTINGS, {REMOVED_PROPERTY: "interval 0 hours"})
            raise InterruptedError("killed at erase-me-1")
        forget_history(warehouse, table)

    with monkeypatch.context() as killed:
        killed.setattr("jobs.erasure.erasing.forget_history", until_the_last)
        with pytest.raises(FailedError, match=r"killed at \[erased\]"):
            run(warehouse)
    with pytest.raises(UsageError, match=r"erasure erase-2026-03-01-\w+ ended every .*run the same .*erase. again"):
        read_published(warehouse, "clean_listings")
    assert files_that_name_it(folder) == {"listing_changes"}
    assert is_forgetting(warehouse, LISTINGS)
    assert run(warehouse).facts["files_left"] == 0
    assert files_that_name_it(folder) == set()
    assert not is_forgetting(warehouse, LISTINGS)
    _check_what_stays(warehouse)


def test_a_file_of_ids_can_be_at_a_uri(warehouse: Warehouse, tmp_path: Path) -> None:
    job = Job("erase", load_settings("test"), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))
    (tmp_path / "ids").mkdir()
    (tmp_path / "ids" / "a [1].csv").write_text("listing_id\nD1\n")
    (tmp_path / "ids" / "_SUCCESS").touch()
    assert read_ids(job, f"file:{tmp_path}/ids") == {"listing_id": {"D1"}, "seller_id": set()}
    (tmp_path / "ids" / "b.csv").write_text('listing_id\n"D2\nD3\n')
    with pytest.raises(UsageError, match=r"file:\S+/ids/b.csv, line 2: this is not CSV"):
        read_ids(job, f"file:{tmp_path}/ids")


def test_no_entry_is_added_beside_those_of_another_key(warehouse: Warehouse) -> None:
    assert warehouse.folder is not None
    writer = Writer(warehouse)
    writer.write(TAXONOMY, [{"category": "boots"}])
    writer.write(LISTINGS, [listing("erase-me-1", "boots", "boots"), listing("stay", "boots", "boots")])
    first = run(warehouse)
    assert (first.facts["listings_erased"], first.facts["sellers_erased"], first.facts["not_found"]) == (1, 0, 1)
    assert first.title.startswith("Erased: no file of ")
    assert first.hints == ("1 id was found nowhere, perhaps mistyped; it is kept out of later deliveries.",)
    key = warehouse.folder / "_keys" / "pseudonyms.key"
    original, entries = key.read_text(), rows_of(warehouse.read(SUPPRESSIONS), "pseudonym")
    key.unlink()
    with pytest.raises(
        UsageError, match=r"cannot be read .*: the 2 entries of the table suppressions .* Bring it back"
    ):
        run(warehouse)
    assert not key.exists()
    key.write_text("0b" * 32)
    for dry_run in (True, False):
        with pytest.raises(FailedError, match=r"2 of 2 entries .* were made with another key.* Bring back the key"):
            run(warehouse, dry_run=dry_run)
    assert rows_of(warehouse.read(SUPPRESSIONS), "pseudonym") == entries
    key.write_text(original)
    run(warehouse)
    key.unlink()
    shutil.rmtree(warehouse.folder / "suppressions")
    again = run(warehouse)
    assert (again.facts["listings_erased"], again.facts["sellers_erased"], again.facts["not_found"]) == (0, 0, 2)
    assert again.title.startswith("Nothing to erase: no file of ")
    assert again.hints == ("2 ids were found nowhere, perhaps mistyped; they are kept out of later deliveries.",)
    assert warehouse.read(SUPPRESSIONS).count() == 2
    assert key.read_text() != original


def test_what_killed_writes_have_left_goes(warehouse: Warehouse, tmp_path: Path) -> None:
    """A Parquet file without its end could not be searched, and Delta's temporary file of a commit stayed."""
    assert warehouse.folder is not None
    writer = Writer(warehouse)
    writer.write(TAXONOMY, [{"category": "boots"}])
    writer.write(LISTINGS, [listing("erase-me-1", "boots", "boots"), listing("stay", "boots", "boots")])
    table, log = warehouse.folder / "listings", warehouse.folder / "listings" / "_delta_log"
    [whole] = table.glob("*.parquet")
    for name, content in (("part-1.parquet", whole.read_bytes()[:-4]), ("part-2.parquet", b"")):
        (table / name).write_bytes(content)
        (tmp_path / name).write_bytes(content)
    commit = f"{0:020}.json"
    (log / f".{commit}.11111111-2222-3333-4444-555555555555.tmp").write_bytes((log / commit).read_bytes())
    with pytest.raises(FailedError, match=r"nothing was changed: .*, or are cut off, .*: \S+/part-1.parquet. Remove"):
        run(warehouse, export=[tmp_path / "part-1.parquet"])
    (tmp_path / "work" / "train-2026-03-01-ab12cd").mkdir(parents=True)
    erased = run(warehouse, f"train.work_folder={tmp_path}/work")
    assert erased.facts["files_left"] == 0
    assert any("Not searched: train-2026-03-01-ab12cd in train.work_folder" in hint for hint in erased.hints)
    assert files_that_name_it(warehouse.folder) == set()
    assert [path.name for path in table.glob("part-?.parquet")] == []


def _check_what_stays(warehouse: Warehouse) -> None:
    kept = read_published(warehouse, "clean_listings")
    assert rows_of(kept, "listing_id", "duplicate_of") == [("moved", "stay"), ("stay", None)]
    pairs = read_published(warehouse, "duplicate_pairs")
    assert rows_of(pairs, "listing_id", "other_listing_id") == [("moved", "stay")]
    explained = read_published(warehouse, "explanations")
    assert rows_of(explained, "listing_id", "similar", "seller_words", "suggested_words") == [
        ("stay", [("fine", 0.8)], [("trail", 0.4)], None)
    ]
    assert rows_of(read_published(warehouse, "listings"), "listing_id", "bucket") == [("moved", 3), ("stay", 1)]
    group = warehouse.read(LISTINGS).where("listing_id = 'stay'").select("group_id", bucket(F.col("group_id")))
    [(name, of_name)] = group.collect()
    assert (name[:6], of_name) == ("erase-", 1)
    assert rows_of(warehouse.read(LISTING_CHANGES), "listing_id", "seller_id") == [("moved", "s-1"), ("stay", "s-1")]
    assert rows_of(warehouse.read(QUARANTINE), "raw") == [('{"title": "other"}',)]
    assert rows_of(warehouse.read(REVIEW_DECISIONS), "note") == [("same as [erased]",)]
    assert rows_of(read_published(warehouse, "flagged_items"), "explanation") == [("as [erased], but cheaper",)]
    suppressed = warehouse.read(SUPPRESSIONS).groupBy("kind").count()
    assert rows_of(suppressed, "kind", "count") == [("listing", 2), ("seller", 1)]

    erasure = find_publication(warehouse)
    assert rows_of(erasure.own_metrics(warehouse), "metric", "value") == [("listings", 4.0)]
    assert [run.run_id for run in find_snapshot(warehouse, None).before] == [NIGHT]
    for refused in (
        lambda: read_published(warehouse, "clean_listings", NIGHT),
        lambda: publications_since(warehouse, NIGHT),
        lambda: find_publication(warehouse, NIGHT),
    ):
        with pytest.raises(UsageError, match=rf"ended publication {NIGHT}.* Read the whole state of {erasure.run_id}"):
            refused()
    with pytest.raises(UsageError, match=r"is an erasure, which cannot be taken back"):
        find_undoing(publications(warehouse), erasure, warehouse.location)
    with pytest.raises(UsageError, match=r"versions that the date had read are gone. Use a later date"):
        take_pins(warehouse, "nightly", erasure.run_date, "7", NOW, keep=False, fresh=False)
    pins = take_pins(warehouse, "nightly", erasure.run_date + dt.timedelta(1), "7", NOW, keep=False, fresh=False).pins
    assert (pins.base_run_id, pins.listings_version) == (erasure.run_id, warehouse.version(LISTINGS))
    assert warehouse.read(PINS).isEmpty()
    job = Job("runs", load_settings("test"), warehouse.address, lambda: warehouse, NOW, Console(quiet=True))
    [shown] = [row for row in runs(job).sections[0].rows if row[0] == NIGHT]
    assert (shown[1], str(shown[-1])[:14]) == ("ended", "ended by erase")
