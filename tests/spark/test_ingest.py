"""Ingesting complete deliveries into a new warehouse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from jobs.console.summary import Summary
from jobs.ingestion.groups import bucket
from jobs.warehouse.tables import Warehouse
from schemas.errors import RefusedError, UsageError
from schemas.tables import LISTING_CHANGES, LISTINGS, QUARANTINE, RUNS, TAXONOMY, Table
from tests.spark.deliveries import Deliver, listing, picture
from tests.spark.frames import nothing_cached, rows_of

_ACCOUNT = ("rows_in", "rows_current", "rows_superseded", "rows_unchanged", "rows_quarantined")
_UNTOUCHED = [c for c in LISTINGS.names if c != "image"]


def _account(summary: Summary) -> tuple[object, ...]:
    return tuple(summary.facts[name] for name in _ACCOUNT)


def _stored(warehouse: Warehouse, *columns: str) -> list[tuple[Any, ...]]:
    return rows_of(warehouse.read(LISTINGS), *columns)


def _version(warehouse: Warehouse, *tables: Table) -> list[int | None]:
    return [warehouse.version(table) for table in tables]


def test_ingesting_a_delivery_twice_changes_nothing(warehouse: Warehouse, deliver: Deliver) -> None:
    rows = [
        listing("a", title="Red bag", image=picture(1)),
        listing("b", title="red  BAG!", seller_id="s"),
        listing("c", day=1, title="old"),
        listing("c", day=2, title="new", image=picture(1), category="zz-old"),
        listing("d", price=float("nan"), image=b"not a picture"),
        listing("", title="no id"),
    ]
    first = deliver(*rows)
    assert _account(first) == (6, 4, 1, 0, 1)
    # a and b share a title, a and c a picture.
    assert _stored(warehouse, "listing_id", "title", "group_id", "withdrawn", "delivery_id") == [
        ("a", "Red bag", "a", False, "ingest-2024-06-01-000001"),
        ("b", "red  BAG!", "a", False, "ingest-2024-06-01-000001"),
        ("c", "new", "a", False, "ingest-2024-06-01-000001"),
        ("d", "title of d", "d", False, "ingest-2024-06-01-000001"),
    ]
    by_group = warehouse.read(LISTINGS).select("bucket", bucket(F.col("group_id")).alias("expected"))
    assert all(row.bucket == row.expected for row in by_group.collect())
    pictures = dict(_stored(warehouse, "listing_id", "image"))
    assert pictures == {"a": picture(1), "b": None, "c": picture(1), "d": b"not a picture"}
    assert rows_of(warehouse.read(LISTING_CHANGES), "listing_id", "change", "title") == [
        ("a", "inserted", "Red bag"),
        ("b", "inserted", "red  BAG!"),
        ("c", "inserted", "new"),
        ("d", "inserted", "title of d"),
    ]
    ((reasons, raw, run_id),) = rows_of(warehouse.read(QUARANTINE), "reasons", "raw", "run_id")
    assert (reasons, run_id) == (["missing_listing_id"], "ingest-2024-06-01-000001")
    assert json.loads(raw)["title"] == "no id"
    assert "image" not in json.loads(raw)
    assert rows_of(warehouse.read(TAXONOMY), *TAXONOMY.names) == [
        ("bags", "Bags", "bags", "all", False),
        ("shoes", "Shoes", "shoes", "all", True),
    ]
    sections = {section.key or section.title: section.rows for section in first.sections}
    assert sections["categories that the taxonomy lacks"] == [("zz-old", 1, None)]
    assert sections["quarantined"] == [("missing_listing_id", 1)]
    assert first.hints[-1] == f"Next:  catalog-cleaner train --warehouse {warehouse.location}"

    before = _stored(warehouse, *LISTINGS.names)
    versions = _version(warehouse, LISTINGS, LISTING_CHANGES, TAXONOMY)
    again = deliver(*rows[::-1])
    assert _account(again) == (6, 0, 1, 4, 1)
    assert again.facts["taxonomy_written"] == 0
    assert _stored(warehouse, *LISTINGS.names) == before
    assert _version(warehouse, LISTINGS, LISTING_CHANGES, TAXONOMY) == versions
    runs = {row.run_id: row for row in warehouse.read(RUNS).collect()}
    assert sorted(runs) == ["ingest-2024-06-01-000001", "ingest-2024-06-01-000002"]
    last = runs["ingest-2024-06-01-000002"]
    assert (last.status, last.published_versions, last.counts["rows_unchanged"]) == ("done", None, 4)
    assert warehouse.read(QUARANTINE).count() == 2
    assert not list((Path(warehouse.location) / "_staging").iterdir())


def test_newer_rows_update_older_ones_do_not_and_groups_stay(warehouse: Warehouse, deliver: Deliver) -> None:
    """The second delivery uses the stored taxonomy, the third replaces it."""
    deliver(listing("a", 5, title="red bag", image=picture(1)), listing("b", 5, title="blue bag"), listing("c", 5))
    taxonomy, version = rows_of(warehouse.read(TAXONOMY), *TAXONOMY.names), warehouse.version(TAXONOMY)
    summary = deliver(
        listing("a", 6, title="blue bag", image=picture(2)),
        listing("b", 4, title="older"),
        listing("c", 5, title="conflicting"),
        listing("d", 1, title="red bag"),
        listing("e", 1, title="another", image=picture(2)),
        taxonomy=None,
    )
    assert (summary.facts["taxonomy_written"], summary.facts["categories"]) == (0, 2)
    assert (rows_of(warehouse.read(TAXONOMY), *TAXONOMY.names), warehouse.version(TAXONOMY)) == (taxonomy, version)
    assert _account(summary) == (5, 3, 2, 0, 0)
    counts = {name: summary.facts[name] for name in ("inserted", "updated", "conflicting", "withdrawn")}
    assert counts == {"inserted": 2, "updated": 1, "conflicting": 1, "withdrawn": 0}
    assert any("1 row has the same updated_at as the stored version" in hint for hint in summary.hints)
    # a keeps its group with its new title; e has its new picture; d has a title that no other listing has any more.
    assert _stored(warehouse, "listing_id", "title", "group_id") == [
        ("a", "blue bag", "a"),
        ("b", "blue bag", "b"),
        ("c", "title of c", "c"),
        ("d", "red bag", "d"),
        ("e", "another", "a"),
    ]
    changed = warehouse.read(LISTING_CHANGES).where("delivery_id = 'ingest-2024-06-01-000002'")
    assert rows_of(changed, "listing_id", "change", "title") == [
        ("a", "updated", "blue bag"),
        ("d", "inserted", "red bag"),
        ("e", "inserted", "another"),
    ]
    hashes = dict(_stored(warehouse, "listing_id", "content_hash"))
    third = deliver(
        listing("a", 7, title="blue bag", image=picture(2), category="shoes", price=9.0, seller_id="t"),
        taxonomy="category\nbags\nhats\n",
    )
    assert dict(_stored(warehouse, "listing_id", "content_hash")) == hashes
    assert ("a", "shoes", 9.0, "t") in _stored(warehouse, "listing_id", "category", "price", "seller_id")
    assert third.facts["taxonomy_written"] == 1
    assert rows_of(warehouse.read(TAXONOMY), "category") == [("bags",), ("hats",)]
    # Without --full, listings that a delivery lacks stay.
    assert (third.facts["withdrawn"], third.facts["listings"]) == (0, 5)
    assert _stored(warehouse, "withdrawn") == [(False,)] * 5


def test_a_full_delivery_withdraws_unless_it_is_truncated_and_a_listing_returns(
    warehouse: Warehouse, deliver: Deliver
) -> None:
    spark = warehouse.spark
    spark.catalog.clearCache()
    theirs = spark.range(9).persist()
    everything = [listing(name, 2, image=picture(i)) for i, name in enumerate("abcde")]
    deliver(*everything)
    before, versions = _stored(warehouse, *_UNTOUCHED), _version(warehouse, LISTINGS, LISTING_CHANGES)
    with pytest.raises(RefusedError, match=r"lacks 4 of 5 .*: 80\.0% would be withdrawn, and at most 50\.0% may be"):
        deliver(listing("a", 3), full=True)
    with pytest.raises(RefusedError, match="lacks 5 of 5"):
        deliver(full=True)
    assert (_stored(warehouse, *_UNTOUCHED), _version(warehouse, LISTINGS, LISTING_CHANGES)) == (before, versions)
    statuses = rows_of(warehouse.read(RUNS), "run_id", "status")
    assert [status for _, status in statuses] == ["done", "refused", "refused"]
    # An ingest releases its own caches, also when it is refused, and no others.
    assert theirs.storageLevel.useMemory
    theirs.unpersist()
    assert nothing_cached(spark)

    full = deliver(*everything[:3], full=True)
    assert (_account(full), full.facts["withdrawn"], full.facts["listings"]) == ((3, 0, 0, 3, 0), 2, 3)
    marked = {"a": False, "b": False, "c": False, "d": True, "e": True}
    assert dict(_stored(warehouse, "listing_id", "withdrawn")) == marked
    assert dict(_stored(warehouse, "listing_id", "image"))["e"] == picture(4)
    back = deliver(everything[3], listing("e", 1, title="an old version"))
    assert (_account(back), back.facts["returned"]) == ((2, 1, 1, 0, 0), 1)
    assert dict(_stored(warehouse, "listing_id", "withdrawn")) == {**marked, "d": False}
    log = rows_of(warehouse.read(LISTING_CHANGES).where("change <> 'inserted'"), "listing_id", "change", "title")
    assert log == [("d", "returned", "title of d"), ("d", "withdrawn", "title of d"), ("e", "withdrawn", "title of e")]

    deliver(listing("a", 3), full=True, overrides=("ingest.max_withdrawn_share=1",))
    assert [row for row in _stored(warehouse, "listing_id", "withdrawn") if not row[1]] == [("a", False)]


def test_an_empty_delivery_makes_an_empty_catalogue(warehouse: Warehouse, deliver: Deliver) -> None:
    assert _account(deliver()) == (0, 0, 0, 0, 0)
    assert (warehouse.exists(LISTINGS), _stored(warehouse, "listing_id")) == (True, [])


def test_pictures_behind_uris_are_read_under_allowed_prefixes_as_soon_as_they_can_be(
    warehouse: Warehouse, deliver: Deliver, tmp_path: Path
) -> None:
    folder, unmounted = tmp_path / "pictures", tmp_path / "not mounted"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture(1))
    (tmp_path / "secret.png").write_bytes(picture(1))
    allowed = (f"ingest.image_prefixes=[{folder}, {unmounted}]",)
    rows = [
        listing("a", image_uri=f"{folder}/a.png"),
        listing("b", image_uri=f"{folder}/../secret.png"),
        listing("c", image_uri="absent.png"),
        listing("d", image=picture(1)),
        listing("e", image_uri=f"{unmounted}/e.png"),
    ]
    summary = deliver(*rows, overrides=allowed)
    unread = ("not_allowed", "not_found", "unreadable", "unusable")
    assert [summary.facts[f"pictures_{name}"] for name in unread] == [1, 1, 1, 0]
    assert "1 picture does not exist at its URI" in " ".join(summary.hints)
    assert any("Check the picture store" in hint for hint in summary.hints)
    hashes = dict(_stored(warehouse, "listing_id", "image_hash"))
    contents = dict(_stored(warehouse, "listing_id", "content_hash"))
    assert hashes["a"] == hashes["d"]
    assert (hashes["b"], hashes["c"], hashes["e"]) == (None, None, None)
    assert dict(_stored(warehouse, "listing_id", "group_id")) == {"a": "a", "b": "b", "c": "c", "d": "a", "e": "e"}
    assert dict(_stored(warehouse, "listing_id", "image"))["a"] is None
    assert deliver(*rows, overrides=allowed).facts["rows_unchanged"] == 5
    assert deliver(*rows).facts["rows_unchanged"] == 5

    # A file that was replaced, and one whose folder has been mounted since, are new content without a new updated_at.
    (folder / "a.png").write_bytes(picture(2))
    unmounted.mkdir()
    (unmounted / "e.png").write_bytes(picture(1))
    assert _account(deliver(*rows, overrides=allowed)) == (5, 2, 0, 3, 0)
    after = dict(_stored(warehouse, "listing_id", "image_hash"))
    assert after["a"] not in (None, hashes["a"])
    assert after["e"] == hashlib.sha256(picture(1)).hexdigest()
    assert dict(_stored(warehouse, "listing_id", "content_hash"))["e"] != contents["e"]


def test_an_unusable_delivery_is_refused_completely(warehouse: Warehouse, deliver: Deliver) -> None:
    with pytest.raises(UsageError, match="lacks updated_at"):
        deliver({"listing_id": "a"})
    with pytest.raises(UsageError, match=r"row 2 repeats category 'bags'"):
        deliver(listing("a"), taxonomy="category\nbags\nbags\n")
    with pytest.raises(UsageError, match="lacks the column category; its columns are code"):
        deliver(listing("a"), taxonomy="code\nbags\n")
    with pytest.raises(UsageError, match="contains no taxonomy yet: give a taxonomy file with --taxonomy"):
        deliver(listing("a"), taxonomy=None)
    assert (warehouse.exists(LISTINGS), warehouse.exists(RUNS)) == (False, False)
    assert not Path(warehouse.location).exists()
