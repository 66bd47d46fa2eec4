"""Rows about erased listings and sellers do not come back with a delivery."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from conf.settings import PrivacySettings
from jobs.ingestion.suppressions import read_suppressions
from jobs.lifecycle.pseudonym_key import create_key
from jobs.lifecycle.row_account import row_account
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, UsageError
from schemas.tables import LISTING_CHANGES, LISTINGS, QUARANTINE, SUPPRESSIONS
from tests.spark.deliveries import Deliver, listing
from tests.spark.frames import frame, rows_of
from udfs.pseudonyms import PseudonymKey, Purpose
from udfs.suppression import parts


def suppress(warehouse: Warehouse, key: PseudonymKey, listing_id: str, seller_id: str) -> None:
    ids = (("listing", Purpose.SUPPRESSED_LISTING, listing_id), ("seller", Purpose.SUPPRESSED_SELLER, seller_id))
    now = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    for kind, purpose, value in ids:
        row = (kind, key.pseudonym(purpose, value), key.check, None, "erase-1", now)
        warehouse.append(SUPPRESSIONS, frame(warehouse.spark, SUPPRESSIONS.ddl, row))


def test_rows_about_what_was_erased_are_dropped_and_counted(warehouse: Warehouse, deliver: Deliver) -> None:
    settings = PrivacySettings()
    deliver(listing("before"))
    key = create_key(warehouse, settings)
    suppress(warehouse, key, "gone", "s-gone")
    rows = [
        listing("gone", seller_id="s-gone"),
        listing("gone", day=2, seller_id="other"),
        listing("new", seller_id="s-gone"),
        listing("kept", seller_id="s-gone-2"),
        listing("s-gone", seller_id="gone"),  # a listing's id is no seller's id
        {**listing(""), "title": "as gone, but smaller"},
        {**listing(""), "title": "begone"},
    ]
    facts = deliver(*rows).facts
    counted = {name: facts[f"rows_{name}"] for name in ("in", "current", "suppressed", "quarantined")}
    assert counted == {"in": 7, "current": 2, "suppressed": 4, "quarantined": 1}
    assert rows_of(warehouse.read(LISTINGS), "listing_id") == [("before",), ("kept",), ("s-gone",)]
    assert rows_of(warehouse.read(LISTING_CHANGES), "listing_id") == [("before",), ("kept",), ("s-gone",)]
    [quarantined] = warehouse.read(QUARANTINE).collect()
    assert '"title":"begone"' in quarantined.raw

    file = warehouse.folder and warehouse.folder / "_keys" / "pseudonyms.key"
    assert file is not None
    file.write_text("0b" * 32)
    with pytest.raises(FailedError, match=r"2 of 2 entries .* were made with another key.* Bring back the key"):
        read_suppressions(warehouse, settings)
    file.unlink()
    again = rf"if it is lost, remove the folder {warehouse.folder}/suppressions, and erase the same ids again"
    with pytest.raises(UsageError, match=rf"key of pseudonyms .* cannot be read .*: the 2 entries of .*{again}"):
        deliver(listing("more"))
    suppress(warehouse, PseudonymKey(bytes(32)), "gone", "s-gone")
    file.write_text("00" * 32)
    with pytest.raises(FailedError, match=r"2 of 4 entries .* No single key fits all of them: remove the folder"):
        read_suppressions(warehouse, settings)


def test_an_id_is_found_anywhere_in_a_row_that_cannot_be_used() -> None:
    raw = pd.Series({"a": "x|A-1,'B 2'", "n": 7, "none": None, "o": {"deep": ["C"]}}).to_json()
    assert {"A-1", "x|A-1,'B 2'", "B", "2", "7", "C"} <= set(parts(raw))


def test_suppressed_rows_are_part_of_the_row_account() -> None:
    account = row_account(5, current=1, unchanged=1, quarantined=1, suppressed=2)
    assert (account["rows_in"], account["rows_suppressed"]) == (5, 2)
    assert "rows_suppressed" not in row_account(1, current=1, unchanged=0, quarantined=0)
