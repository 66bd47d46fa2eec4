"""A publication is taken back, its date is run again, and the revert itself is taken back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from jobs.lifecycle.publications import publications
from jobs.store import read_changes, read_published
from tests.end_to_end.conftest import LISTINGS, Workspace
from tests.end_to_end.test_nights import STATES, content, newer

pytestmark = pytest.mark.end_to_end


def state(workspace: Workspace) -> dict[str, list[str]]:
    """What the newest publication shows, without the columns that name its run."""
    return {name: content(workspace, name) for name in STATES}


def history(workspace: Workspace) -> list[pd.DataFrame]:
    """The events of corrections of each publication that has some, in the order of their commits."""
    events = read_published(workspace.warehouse, "corrections").toPandas()
    runs = [run.run_id for run in publications(workspace.warehouse)]
    assert set(events.run_id) <= set(runs)
    return [events[events.run_id == run] for run in runs if run in set(events.run_id)]


def replayed(history: list[pd.DataFrame]) -> dict[str, str]:
    """Listing -> its corrected category after all events. Each event must fit what was before."""
    shown: dict[str, str] = {}
    for events in history:
        for listing, event, category in zip(events.listing_id, events.event, events.corrected_category, strict=True):
            assert (listing in shown) == (event != "begun"), (listing, event)
            shown[listing] = category
            if event == "ended":
                del shown[listing]
    return shown


def corrected(workspace: Workspace) -> dict[str, str]:
    """Listing -> the category to show, where it is not the seller's."""
    clean = read_published(workspace.warehouse, "clean_listings").toPandas()
    clean = clean[(clean.category_source != "seller") & (clean.effective_category != clean.category)]
    return dict(zip(clean.listing_id, clean.effective_category, strict=True))


def test_a_night_is_taken_back_and_run_again(workspace: Workspace, tmp_path: Path) -> None:
    first = state(workspace)
    night = publications(workspace.warehouse)[-1]

    def renamed(listings: pd.DataFrame) -> pd.DataFrame:
        rows = newer(listings.head(40))
        return rows.assign(category=rows.category.iloc[::-1].to_numpy(), title=rows.title + " again")

    workspace.ingest(workspace.delivery(tmp_path, renamed))
    # So many wrong labels are more than limits.max_error_rise allows.
    night_again = ("nightly", "--run-date", "2026-11-11", "--accept-changes")
    summary = workspace.run(*night_again)
    second = state(workspace)
    assert second["clean_listings"] != first["clean_listings"]

    dry = workspace.run("revert", summary["run_id"], "--dry-run")
    assert state(workspace) == second
    back = workspace.run("revert", summary["run_id"])
    assert back["restores"] == night.run_id
    assert back["listings"] == LISTINGS
    assert back["corrections"] == dry["corrections"]
    assert state(workspace) == first
    newest = publications(workspace.warehouse)[-1]
    assert (newest.run_id, newest.reverts, str(newest.run_date)) == (back["run_id"], summary["run_id"], "2026-11-11")
    # Every listing has the prediction that its state was decided by.
    clean = read_published(workspace.warehouse, "clean_listings")
    predicted = read_published(workspace.warehouse, "predictions")
    assert clean.join(predicted, ["listing_id", "content_hash"], "left_anti").isEmpty()
    undone = read_changes(workspace.warehouse, summary["run_id"])
    done = read_changes(workspace.warehouse, night.run_id, summary["run_id"])
    assert undone.count() == done.count() > 0
    shown = {row["run_id"]: row["status"] for row in workspace.run("runs")["runs"]}
    assert (shown[summary["run_id"]], shown[back["run_id"]]) == ("reverted", "published")

    workspace.run(*night_again)
    assert state(workspace) == second
    # The history of corrections says what readers have seen, step by step, and ends with what they see now.
    assert len(history(workspace)) == 4
    assert replayed(history(workspace)) == corrected(workspace)
    assert "taken back already" in workspace.run("revert", summary["run_id"], fails_with=2)["error"]
    assert "later publications stand on it" in workspace.run("revert", night.run_id, fails_with=2)["error"]


@pytest.mark.thorough
def test_nothing_is_decided_with_another_key(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    night = workspace.run("nightly", "--run-date", "2026-11-11")["run_id"]
    (workspace.path / "_keys" / "pseudonyms.key").write_text("0b" * 32)
    for work in ("nightly.update_features", "backfill.encode_pictures", "backfilling.apply.encode_pictures"):
        monkeypatch.setattr(f"jobs.{work}", lambda *_, **__: pytest.fail("it began to work"))
    for words in (
        ("nightly", "--run-date", "2026-11-12"),
        ("backfill", "--from", "2026-11-10", "--to", "2026-11-10"),
        ("backfill", "--apply", "--seller", "S0001"),
        ("revert", night),
    ):
        error = workspace.run(*words, fails_with=1)["error"]
        assert "holds the sellers by pseudonyms that were made with another key" in error, words
    assert publications(workspace.warehouse)[-1].run_id == night
