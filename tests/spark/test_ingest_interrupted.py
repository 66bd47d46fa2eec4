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


def test_the_next_ingest_cleans_up_after_a_killed_one(
    warehouse: Warehouse, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(listing("a"))

    # Killed before it changed a listing: it leaves no trace.
    with _dying_in(monkeypatch, Warehouse, "table"):
        deliver(listing("b"), listing("c"))
    assert warehouse.read(LISTING_CHANGES).count() == 3
    # The next one is killed after it has changed listings: it gets a row in runs.
    with _dying_in(monkeypatch, main, "summarise_ingest"):
        deliver(listing("a", 2), listing("b"))
    assert rows_of(warehouse.read(LISTING_CHANGES), "listing_id", "delivery_id") == [
        ("a", "ingest-2024-06-01-000001"),
        ("a", "ingest-2024-06-01-000003"),
        ("b", "ingest-2024-06-01-000003"),
    ]
    assert rows_of(warehouse.read(LISTINGS), "listing_id") == [("a",), ("b",)]
    assert "ingest-2024-06-01-000003" not in {run_id for (run_id,) in rows_of(warehouse.read(RUNS), "run_id")}

    again = deliver(listing("a", 2), listing("b"))
    assert (tuple(again.facts[name] for name in _ACCOUNT), again.facts["run_id"]) == (
        (2, 0, 0, 2, 0),
        "ingest-2024-06-01-000004",
    )
    runs = {row.run_id: row for row in warehouse.read(RUNS).collect()}
    repaired = runs["ingest-2024-06-01-000003"]
    assert (repaired.status, repaired.counts) == ("done", {"inserted": 1, "updated": 1})
    assert warehouse.read(LISTING_CHANGES).count() == 3
