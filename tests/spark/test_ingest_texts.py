"""Texts and ids of any length and content: each row is loaded as it is, or quarantined."""

from __future__ import annotations

import json
from pathlib import Path

from pyspark.sql import functions as F

from jobs.console.event_log import event_log
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTINGS, QUARANTINE
from tests.spark.deliveries import Deliver, listing
from udfs.titles import title_status

TITLES = {
    "10 MB": "red bag " * 1_250_000,
    "1 MB of one letter": "a" * 1_000_000,
    "NUL": "red\x00bag",
    "control": "red\x1b[2J\rbag",
    "right to left": "حقيبة حمراء \u202egab",
    "zero width": "\u200b\u200d\ufeff",
    "only NUL": "\x00",
    "\u202eid\u200b\x07": "bag",
    "حقيبة": "bag",
}


def test_texts_are_loaded_as_they_are_and_only_ids_have_a_limit(
    warehouse: Warehouse, deliver: Deliver, tmp_path: Path
) -> None:
    long = "i" * 10_000
    rows = [listing(name, title=title, description=title[:9]) for name, title in TITLES.items()]
    long_ones = listing("long", seller_id=long, category=long, image_uri=long)
    with event_log(tmp_path / "events.jsonl"):
        summary = deliver(*rows, long_ones, listing(long), listing("i" * 256))
    assert (summary.facts["rows_in"], summary.facts["rows_current"]) == (len(rows) + 3, len(rows) + 2)
    listings = warehouse.read(LISTINGS)
    status = title_status(F.col("title")).alias("status")
    columns = listings.select("listing_id", "title", "seller_id", "category", status)
    stored = {row.listing_id: row for row in columns.collect()}
    assert {name: stored[name].title for name in TITLES} == TITLES
    found = {name: stored[name].status for name in TITLES}
    strange = {"1 MB of one letter", "zero width", "only NUL"}
    assert {name for name, value in found.items() if value == "uninformative"} == strange
    assert {found[name] for name in TITLES.keys() - strange} == {"ok"}
    assert (stored["long"].seller_id, stored["long"].category) == (long, long)
    ((reasons, raw),) = warehouse.read(QUARANTINE).select("reasons", "raw").collect()
    assert reasons == ["listing_id_too_long"]
    assert json.loads(raw)["listing_id"] == long

    # The event log counts rows and names none.
    lines = (tmp_path / "events.jsonl").read_text("ascii").splitlines()
    logged = [json.loads(line) for line in lines]
    checking, started, *progress, ended = logged
    assert (checking["event"], checking["message"][:18]) == ("progress", "checking the files")
    of_run = {(each["job"], each["run_id"]) for each in (started, *progress, ended)}
    assert of_run == {("ingest", "ingest-2024-06-01-000001")}
    assert (started["event"], started["run_date"]) == ("run_started", "2024-06-01")
    assert {each["event"] for each in progress} == {"progress"}
    assert (ended["event"], ended["status"]) == ("run_ended", "done")
    assert (ended["counts"]["rows_in"], ended["counts"]["rows_quarantined"]) == (len(rows) + 3, 1)
    assert max(map(len, lines)) < 1000
    assert not [word for word in ("iiii", "bag", "title of") if word in "".join(lines).replace(str(tmp_path), "")]
