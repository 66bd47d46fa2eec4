"""Ingests that are killed while they write: the next one cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs import ingest as main
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTING_CHANGES, LISTINGS, RUNS
from tests.spark.deliveries import Deliver, listing
from tests.spark.frames import rows_of

_ACCOUNT = ("rows_in", "rows_current", "rows_superseded", "rows_unchanged", "rows_quarantined")


@contextmanager
def _dying_in(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> Iterator[None]:
    """What runs inside is killed where it calls the function."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, die)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_an_ingest_killed_before_it_changed_a_listing_leaves_no_trace(
    warehouse: Warehouse, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(listing("a"))
    with _dying_in(monkeypatch, Warehouse, "table"):
        deliver(listing("b"), listing("c"))
    assert warehouse.read(LISTING_CHANGES).count() == 3
    deliver(listing("b"))
    assert rows_of(warehouse.read(LISTING_CHANGES), "listing_id", "delivery_id") == [
        ("a", "ingest-2024-06-01-000001"),
        ("b", "ingest-2024-06-01-000003"),
    ]
    assert rows_of(warehouse.read(LISTINGS), "listing_id") == [("a",), ("b",)]


def test_an_ingest_killed_after_it_changed_listings_gets_a_row_in_runs(
    warehouse: Warehouse, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(listing("a"))
    with _dying_in(monkeypatch, main, "summarise_ingest"):
        deliver(listing("a", 2), listing("b"))
    assert rows_of(warehouse.read(RUNS), "run_id") == [("ingest-2024-06-01-000001",)]
    again = deliver(listing("a", 2), listing("b"))
    assert (tuple(again.facts[name] for name in _ACCOUNT), again.facts["run_id"]) == (
        (2, 0, 0, 2, 0),
        "ingest-2024-06-01-000003",
    )
    runs = {row.run_id: row for row in warehouse.read(RUNS).collect()}
    assert (runs["ingest-2024-06-01-000002"].status, runs["ingest-2024-06-01-000002"].counts) == (
        "done",
        {"inserted": 1, "updated": 1},
    )
    assert warehouse.read(LISTING_CHANGES).count() == 3
