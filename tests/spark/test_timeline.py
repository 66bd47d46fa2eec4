"""What a shop must apply to follow the publications, and the story of one listing."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import typer
from pyspark.sql import Row, SparkSession
from typer.testing import CliRunner

from jobs import changes, explain
from jobs.store import read_changes, read_published
from jobs.timeline.steps.comparison import state_changes
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import UsageError
from schemas.tables import CLEAN_LISTINGS, LISTING_CHANGES, LISTINGS, QUARANTINE, REVIEW_DECISIONS, RUNS, TAXONOMY
from tests.spark.frames import frame
from tests.spark.published import FAILED, FIRST, SECOND, Rows, Writer, flag, listing

RERUN, REVERTED = "nightly-2026-03-01-2", "nightly-2026-02-28-1"
_LONG = 10 * 86_400

State = dict[str, str | None]
"""What a shop shows: listing_id -> category."""

BOOTS = listing("kept", "boots", "boots")
NIGHTS: dict[str, tuple[int, list[dict[str, Any]]]] = {
    FIRST: (60, [BOOTS, listing("gone", "bags", "bags"), listing("fixed", "boots", "boots")]),
    # Only confidence and source of `kept` change; `ask` waits for a person, without a category.
    SECOND: (
        60,
        [
            {**BOOTS, "category_confidence": 0.7, "category_source": "reviewer"},
            listing("fixed", "boots", "shoes", "corrected", 0.97),
            listing("ask", None, "bags") | {"effective_category": None, "category_confidence": None},
        ],
    ),
    # An earlier date, published after the later one.
    RERUN: (_LONG, [BOOTS, listing("gone", "bags", "bags"), listing("ask", None, "bags", "corrected", 0.9)]),
    # The catalogue of the first night again.
    REVERTED: (2 * _LONG, [BOOTS, listing("gone", "bags", "bags"), listing("fixed", "boots", "boots")]),
}

LOADED = {"run_id": "ingest-2026-03-01-1", "run_date": dt.date(2026, 3, 1)}
"""The run that delivered the listings."""


def at(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC)


FIXED = listing("fixed", "boots", "shoes", "corrected", 0.97)
DELIVERED = [{**FIXED, "delivery_id": LOADED["run_id"], "change": "inserted"}]
JUDGED: dict[str, Rows] = {
    "predictions": [{**FIXED, "predicted_category": "shoes", "confidence": 0.9}],
    "corrections": [
        {
            "listing_id": "fixed",
            "event": "begun",
            "seller_category": "boots",
            "corrected_category": "shoes",
            "decided_by": "model",
        }
    ],
    "flagged_items": [{**flag("fixed", 0.2, "audit_sample"), "first_run_date": dt.date(2026, 3, 2)}],
    "sellers": [{"seller_id": "s-1", "error_rate": 0.25}],
}
DECISION = {
    "decision_id": "d-1",
    "listing_id": "fixed",
    "content_hash": "h",
    "run_id": SECOND,
    "decision": "accept",
    "category": "shoes",
    "reviewer": "ada",
    "decided_at": at(2, 12),
}


def apply(state: State, changes: Iterable[Row]) -> State:
    """Apply changes in the order of their positions. Fails if one of them does not fit the state."""
    shown = dict(state)
    for row in sorted(changes, key=lambda row: (row.position, row.listing_id)):
        if row.change == "added":
            assert row.listing_id not in shown
        else:
            assert shown[row.listing_id] == row.previous_category
        if row.change == "removed":
            assert (row.effective_category, row.category_source, row.category_confidence) == (None, None, None)
            del shown[row.listing_id]
        else:
            shown[row.listing_id] = row.effective_category
    return shown


def state(warehouse: Warehouse, run_id: str) -> State:
    rows = read_published(warehouse, "clean_listings", run_id).collect()
    return {row.listing_id: row.effective_category for row in rows}


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The publications of `NIGHTS` and a failed run."""
    warehouse = open_warehouse(spark, str(tmp_path_factory.mktemp("changes") / "warehouse"))
    writer = Writer(warehouse)
    writer.write(TAXONOMY, [{"category": "boots", "label": "Boots", "sensitive": False}])
    writer.write(LISTINGS, [BOOTS, FIXED])
    writer.write(LISTING_CHANGES, DELIVERED)
    writer.write(QUARANTINE, [{"listing_id": "bad", "reasons": ["invalid_updated_at"], "job": "ingest", **LOADED}])
    writer.write(REVIEW_DECISIONS, [DECISION])
    writer.write(RUNS, [{"job": "ingest", "status": "done", "finished_at": at(1, 1), **LOADED}])
    for run_id, (seconds, rows) in NIGHTS.items():
        writer.night(run_id, {"clean_listings": rows, **(JUDGED if run_id == SECOND else {})}, seconds)
        if run_id == SECOND:
            writer.night(FAILED, {"clean_listings": []}, seconds=5, published=False)
    return warehouse


def call(*arguments: str, fails_with: int = 0) -> dict[str, Any]:
    """The JSON object that a command prints."""
    app = typer.Typer()
    app.command("changes")(changes.main)
    app.command("explain")(explain.main)
    result = CliRunner().invoke(app, [*arguments, "--profile", "test", "--json"])
    assert result.exit_code == fails_with, result.stderr
    return dict(json.loads(result.stdout))


def test_changes_of_random_catalogues_lead_from_each_state_to_the_next(spark: SparkSession) -> None:
    draw, last = random.Random(7), 6
    states: list[State] = []
    for position in range(last + 1):
        # Listings come and go; one state is empty; a category may be null.
        present = [] if position == 3 else draw.sample(range(40), draw.randint(20, 40))
        states.append({f"l{n}": draw.choice(["a", "b", "b", None]) for n in present})
    rows = [(p, i, c, "model", draw.random()) for p, shown in enumerate(states) for i, c in shown.items()]
    columns = (
        "position int, listing_id string, effective_category string, category_source string, category_confidence double"
    )
    found = state_changes(frame(spark, columns, *rows), last).collect()
    for position in range(1, last + 1):
        before, after = states[position - 1], states[position]
        mine = [row for row in found if row.position == position]
        assert apply(before, mine) == after
        differ = {i for i in before.keys() | after.keys() if before.get(i, "-") != after.get(i, "-")}
        assert sorted(row.listing_id for row in mine) == sorted(differ)
    assert {row.position for row in found} == set(range(1, last + 1))
    assert {row.change for row in found} == {"added", "changed", "removed"}


def test_a_change_names_its_publication_and_both_categories(published: Warehouse) -> None:
    day = dt.date(2026, 3, 2)
    found = sorted(tuple(row) for row in read_changes(published, FIRST, SECOND).collect())
    assert found == [
        (1, SECOND, day, "ask", "added", None, None, "seller", None),
        (1, SECOND, day, "fixed", "changed", "shoes", "boots", "model", 0.97),
        (1, SECOND, day, "gone", "removed", None, "bags", None, None),
    ]


def test_publications_follow_in_the_order_of_their_commits(published: Warehouse) -> None:
    found = read_changes(published, FIRST).collect()
    assert sorted({(row.position, row.run_id) for row in found}) == [(1, SECOND), (2, RERUN), (3, REVERTED)]
    shown = state(published, FIRST)
    for position, run_id in enumerate((SECOND, RERUN, REVERTED), start=1):
        shown = apply(shown, [row for row in found if row.position == position])
        assert shown == state(published, run_id), run_id
    assert read_changes(published, REVERTED).collect() == []


def test_the_file_has_all_changes_in_order_as_json_lines(
    published: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_ROWS_AT_ONCE", 3)
    monkeypatch.setattr(changes, "_SHOWN", 2)
    file = tmp_path / "changes.jsonl"
    printed = call("changes", "--since", FIRST, "--warehouse", published.location, "--output", str(file))
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["position"], line["listing_id"], line["change"]) for line in lines] == [
        (1, "ask", "added"),
        (1, "fixed", "changed"),
        (1, "gone", "removed"),
        (2, "ask", "changed"),
        (2, "fixed", "removed"),
        (2, "gone", "added"),
        (3, "ask", "removed"),
        (3, "fixed", "added"),
    ]
    assert lines[4] == {
        "position": 2,
        "run_id": RERUN,
        "run_date": "2026-03-01",
        "listing_id": "fixed",
        "change": "removed",
        "effective_category": None,
        "previous_category": "shoes",
        "category_source": None,
        "category_confidence": None,
    }
    assert (printed["until"], printed["publications"], printed["changes"]) == (REVERTED, 3, 8)
    assert (printed["added"], printed["changed"], printed["removed"]) == (3, 2, 3)
    assert printed["first changes"] == lines[:2]
    assert printed["by publication"][1] == {"position": 2, "run_id": RERUN, "added": 1, "changed": 1, "removed": 1}
    nothing = call("changes", "--since", REVERTED, "--warehouse", published.location, "--output", str(file))
    assert (nothing["until"], nothing["changes"], file.read_text()) == (REVERTED, 0, "")


def test_a_run_that_published_nothing_is_refused(published: Warehouse) -> None:
    for unknown in (FAILED, "nightly-2030-01-01-1"):
        refused = call("changes", "--since", unknown, "--warehouse", published.location, fails_with=2)
        assert f"run {unknown!r} was not published; the newest publication is {REVERTED}" in refused["error"]
    with pytest.raises(UsageError, match=f"{FIRST} was published before {RERUN}, so nothing of it can follow"):
        read_changes(published, RERUN, FIRST)


def test_a_publication_without_its_files_asks_for_a_fresh_start(published: Warehouse, tmp_path: Path) -> None:
    shutil.copytree(published.location, tmp_path / "warehouse")
    warehouse = open_warehouse(published.spark, str(tmp_path / "warehouse"))
    for file in warehouse.read(CLEAN_LISTINGS, 0).inputFiles():  # as VACUUM does, which takes much longer
        Path(file.removeprefix("file:")).unlink()
    afresh = rf'can no longer be read.*read_published\(warehouse, "clean_listings", "{REVERTED}"\)'
    with pytest.raises(UsageError, match=f"publication {FIRST} {afresh}"):
        read_changes(warehouse, FIRST, SECOND)
    assert len(read_changes(warehouse, SECOND, RERUN).collect()) == 3
    # Delta removes old entries of its log once it has a checkpoint.
    name = warehouse.identifier(CLEAN_LISTINGS)
    warehouse.spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")
    (tmp_path / "warehouse" / "clean_listings" / "_delta_log" / f"{0:020}.json").unlink()
    with pytest.raises(UsageError, match=f"publication {FIRST} {afresh}"):
        read_changes(warehouse, FIRST)


def test_the_story_of_a_listing_is_read_from_all_tables(published: Warehouse) -> None:
    assert published.folder is not None
    before = sorted(published.folder.rglob("*"))
    told = call("explain", "fixed", "--warehouse", published.location)
    assert told["title"] == "Listing fixed: shown in shoes, as the model decided (97.0% sure); on the work list"
    assert (told["publication"], told["seller_category"], told["effective_category"]) == (SECOND, "boots", "shoes")
    assert (told["seller_error_rate"], told["category_confidence"], told["reasons"]) == (0.25, 0.97, ["audit_sample"])
    night = "2026-03-02 02:01"
    assert [(event["at"], event["event"], event["text"], event["run_id"]) for event in told["events"]] == [
        ("2026-03-01 01:00", "delivered", 'Delivered: "title of fixed" in Boots, by s-1.', LOADED["run_id"]),
        (
            night,
            "judged",
            "Model 7 says shoes (90.0%): the text says shoes (90.0%), the picture says shoes (80.0%).",
            SECOND,
        ),
        (night, "corrected", "Corrected from Boots to shoes by the model.", SECOND),
        (night, "flagged", "Put on the work list; the reasons now: audit sample.", SECOND),
        (
            "2026-03-02 12:00",
            "reviewed",
            "ada accepted the suggestion: shoes is right. The next night applies it.",
            SECOND,
        ),
    ]
    assert sorted(published.folder.rglob("*")) == before


def test_a_listing_without_a_story_says_why(published: Warehouse) -> None:
    bad = call("explain", "bad", "--warehouse", published.location)
    assert bad["title"] == "Listing bad: never loaded, see why below"
    assert [event["text"] for event in bad["events"]] == ["A delivered row could not be used: invalid updated at."]
    unknown = call("explain", "FIXED", "--warehouse", published.location, fails_with=2)
    assert "there is no listing 'FIXED'" in unknown["error"]
    assert "none of the tables listings, listing_changes, quarantine, predictions" in unknown["error"]
