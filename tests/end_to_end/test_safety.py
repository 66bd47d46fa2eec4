"""The limits on changes, and the switch that stops all corrections, over several nights of one catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import jobs.nightly
from jobs.cleaning.limits import check_limits
from jobs.store import read_published
from schemas.tables import RUNS
from tests.end_to_end.conftest import Workspace
from tests.spark.frames import rows_of

pytestmark = pytest.mark.end_to_end


def clean(workspace: Workspace) -> DataFrame:
    return read_published(workspace.warehouse, "clean_listings")


def shown(workspace: Workspace) -> list[tuple[Any, ...]]:
    return rows_of(clean(workspace), "listing_id", "effective_category", "category_source", "category_action")


def run_row(workspace: Workspace, run_id: str) -> Any:  # noqa: ANN401 - a row
    [row] = workspace.warehouse.read(RUNS).where(F.col("run_id") == run_id).collect()
    return row


def test_corrections_are_stopped_and_begin_again_when_a_person_accepts_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shown(workspace)
    [start] = workspace.warehouse.read(RUNS).where("job = 'nightly'").collect()
    assert (start.limits, start.corrections, start.counts["changed"]) == ("exempt", True, 0)
    corrected = clean(workspace).where("category_action = 'corrected' AND category_source = 'model'")
    sure = {row.listing_id for row in corrected.select("listing_id").collect()}
    assert len(sure) > 20

    assert workspace.run("corrections", "off", "--note", "wrong shoes")["corrections"] == "off"
    again = workspace.run("corrections", "off", "--note", "later")
    assert (again["note"], workspace.run("corrections", "status")["note"]) == ("wrong shoes", "wrong shoes")

    night = workspace.run("nightly", "--run-date", "2026-11-11")
    assert (night["corrections"], night["limits"], night["changed"]) == ("off", "held", 0)
    assert night["withheld"] == len(sure)
    now = clean(workspace).where(F.col("listing_id").isin(*sure))
    assert now.where("category_action != 'referred'").count() == 0
    assert now.where("category_source = 'seller'").count() > 20
    assert now.where("category_source = 'seller' AND NOT effective_category <=> category").count() == 0
    items = read_published(workspace.warehouse, "flagged_items").where("explanation LIKE '%but corrections are off%'")
    assert items.count() == now.where("category_source = 'seller'").count()
    row = run_row(workspace, night["run_id"])
    assert (row.limits, row.corrections) == ("held", False)

    assert workspace.run("corrections", "on")["corrections"] == "on"
    refusal = workspace.run("nightly", "--run-date", "2026-11-12", fails_with=3)["error"]
    assert "limits.max_changed_share allows 0.05" in refusal
    assert f"New since {night['run_id']}: corrections that are on again." in refusal
    assert "--accept-changes" in refusal
    # A dry run shows what it would do, and what it would be refused for.
    assert (
        "limits.max_changed_share"
        in workspace.run("nightly", "--run-date", "2026-11-12", "--dry-run", fails_with=3)["error"]
    )
    accepted = workspace.run("nightly", "--run-date", "2026-11-12", "--accept-changes")
    assert (accepted["limits"], shown(workspace)) == ("accepted", first)
    row = run_row(workspace, accepted["run_id"])
    assert row.limits == "accepted"
    assert row.message.startswith("accepted by --accept-changes: ")
    checks = read_published(workspace.warehouse, "gate_results").where("gate = 'limits'")
    assert ("limits.max_changed_share (at most 0.05)", False) in rows_of(
        checks.where(F.col("run_id") == accepted["run_id"]), "expectation", "success"
    )

    def meanwhile(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever is passed on
        workspace.run("corrections", "off")
        return check_limits(*arguments, **options)

    monkeypatch.setattr(jobs.nightly, "check_limits", meanwhile)
    refusal = workspace.run("nightly", "--run-date", "2026-11-13", fails_with=3)["error"]
    assert "Corrections were switched off while this run was deciding" in refusal
    assert shown(workspace) == first


def test_in_the_shadow_nobody_sees_what_is_decided(workspace: Workspace) -> None:
    first = clean(workspace)
    decided = {row.listing_id: row.effective_category for row in first.collect()}
    by_model = first.where("category_action = 'corrected' AND category_source = 'model'")
    corrected = {row.listing_id for row in by_model.collect()}
    night = workspace.run("nightly", "--run-date", "2026-11-11", "--set", "rollout.default=shadow", "--accept-changes")
    assert (night["shadowed"], night["withheld"], night["changed"]) == (len(corrected), 0, 0)
    now = clean(workspace)
    assert now.where("rollout_arm != 'shadow' OR NOT effective_category <=> category").count() == 0
    assert now.where("category_action != 'kept'").count() == 0
    shadow = read_published(workspace.warehouse, "shadow_decisions")
    assert {
        row.listing_id: row.effective_category for row in shadow.where("category_action = 'corrected'").collect()
    } == {name: category for name, category in decided.items() if name in corrected}
    items = read_published(workspace.warehouse, "flagged_items")
    assert (
        items.where("array_contains(reasons, 'wrong_category') OR array_contains(reasons, 'low_confidence')").count()
        == 0
    )
    found = workspace.run("thresholds", "preview")
    assert (found["hidden"], {each["corrected"] for each in found["previews"]}) == (now.count(), {0})
    # The next night corrects again, and the table is empty, not stale.
    workspace.run("nightly", "--run-date", "2026-11-12", "--accept-changes")
    assert read_published(workspace.warehouse, "shadow_decisions").count() == 0
    assert {row.listing_id: row.effective_category for row in clean(workspace).collect()} == decided
