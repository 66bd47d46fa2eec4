"""A backfill is applied to chosen listings of today's catalogue: a publication in which all others stay as they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import jobs.backfilling.apply
from conf.load import load_settings
from jobs.cleaning.judging import judge
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication, publications
from jobs.lifecycle.run_log import RunRecord, record
from jobs.store import read_changes, read_published
from schemas.tables import CLEAN_LISTINGS
from tests.end_to_end.conftest import LISTINGS, Workspace
from tests.end_to_end.test_nights import STATES, content, newer
from training.registry import open_registry

pytestmark = pytest.mark.end_to_end

DECIDED = ["content_hash", "effective_category", "category_source", "category_action", "category_confidence"]


def state(workspace: Workspace) -> dict[str, list[str]]:
    """What the newest publication shows, without the columns that name its runs."""
    return {name: content(workspace, name) for name in STATES}


def table(workspace: Workspace, name: str, run_id: str | None = None) -> pd.DataFrame:
    key = "seller_id" if name == "sellers" else "listing_id"
    return read_published(workspace.warehouse, name, run_id).toPandas().set_index(key).sort_index()


def own(workspace: Workspace, name: str, run_id: str) -> pd.DataFrame:
    return read_published(workspace.warehouse, name).where(f"run_id = '{run_id}'").toPandas()


def deliver(workspace: Workspace, folder: Path) -> list[str]:
    """New titles and other categories for 40 listings; returns their ids."""

    def renamed(listings: pd.DataFrame) -> pd.DataFrame:
        rows = newer(listings.sort_values("listing_id").head(40))
        return rows.assign(category=rows.category.iloc[::-1].to_numpy(), title=rows.title + " again")

    path = workspace.delivery(folder, renamed)
    workspace.ingest(path)
    return sorted(pd.read_parquet(path).listing_id)


def ids_file(folder: Path, ids: list[str]) -> str:
    path = folder / "ids.txt"
    path.write_text("\n".join([*ids, "", ids[0]]), encoding="utf-8")
    return str(path)


def decide_otherwise(workspace: Workspace, folder: Path, listing: str) -> str:
    """Let a person set another category than the one that is shown; returns it."""
    clean = table(workspace, "clean_listings")
    other = str(next(c for c in clean.category.dropna().unique() if c != clean.effective_category[listing]))
    answer = {"listing_id": listing, "decision": "set_category", "category": other, "reviewer": "ada"}
    path = folder / "decisions.csv"
    pd.DataFrame([answer]).assign(decided_at="2026-11-10T23:59:59Z").to_csv(path, index=False)
    assert workspace.run("review", "apply", str(path))["rows_current"] == 1
    return other


def check_state(workspace: Workspace, before: Publication, summary: dict[str, Any], chosen: list[str]) -> None:
    """The chosen listings are decided by the run, all other rows are those of the publication before it."""
    for name in ("clean_listings", "flagged_items"):
        now, then = table(workspace, name), table(workspace, name, before.run_id)
        mine = now.index.isin(chosen)
        assert set(now[mine].run_id) == {summary["run_id"]}
        pd.testing.assert_frame_equal(now[~mine], then[~then.index.isin(chosen)])
    clean, flagged = table(workspace, "clean_listings"), table(workspace, "flagged_items")
    sellers = table(workspace, "sellers")
    assert set(sellers[sellers.run_id == summary["run_id"]].index) == set(clean.seller_id[chosen].dropna())
    assert set(sellers.index) >= set(table(workspace, "sellers", before.run_id).index)
    metrics = own(workspace, "quality_metrics", summary["run_id"])
    whole = metrics[(metrics.dimension == "all") & (metrics.source != "audit")]
    figures = whole.set_index("metric").numerator
    assert figures.listings == LISTINGS
    assert figures.corrected_share == (clean.category_action == "corrected").sum()
    assert figures.flagged_share == (flagged.status == "open").sum()
    assert figures.category_error_rate_left == pytest.approx((1 - clean.category_confidence).sum())
    by_status = metrics[metrics.dimension == "image_status"].numerator.sum()
    assert by_status == LISTINGS, "the pictures of the others count as the publication saw them"


def test_backfills_are_applied_one_after_the_other_and_taken_back(workspace: Workspace, tmp_path: Path) -> None:
    """First the two halves of a delivery, then the next night, which changes nothing; then all of it is taken back."""
    first = state(workspace)
    night = publications(workspace.warehouse)[-1]
    changed = deliver(workspace, tmp_path)
    half, rest = changed[:20], changed[20:]
    # So many wrong labels are more than limits.max_error_rise allows.
    apply = ("backfill", "--apply", "--accept-changes", "--ids", ids_file(tmp_path, [*half, "nowhere"]))

    workspace.run(*apply, "--set", "gates.max_corrected_share=0", fails_with=3)
    assert state(workspace) == first
    one = workspace.run(*apply)
    assert [one[name] for name in ("chosen", "rows_in", "rows_current", "unknown_listing_id")] == [20, 20, 20, 1]
    check_state(workspace, night, one, half)
    after_one = table(workspace, "clean_listings")
    done = read_changes(workspace.warehouse, night.run_id).toPandas()
    assert set(done.listing_id) <= set(half)
    assert set(done.run_id) == {one["run_id"]}

    clean, flagged = table(workspace, "clean_listings"), table(workspace, "flagged_items")
    drawn = flagged.index[flagged.audit_chance.notna()]  # an answer to the audit would calibrate all listings
    reviewed = str(clean.index.difference([*changed, *drawn])[0])
    category = decide_otherwise(workspace, tmp_path, reviewed)
    two = workspace.run("backfill", "--apply", "--accept-changes", "--ids", ids_file(tmp_path, [*rest, reviewed]))
    check_state(workspace, publications(workspace.warehouse)[-2], two, [*rest, reviewed])
    after_two = table(workspace, "clean_listings")
    assert after_two.effective_category[reviewed] == category, "a person's decision wins"
    assert two["rows_current"] == 20
    assert len(own(workspace, "corrections", one["run_id"])) == sum(row["listings"] for row in one["corrections"]) > 0
    predicted = read_published(workspace.warehouse, "predictions").toPandas()
    assert not predicted.duplicated(["listing_id", "content_hash", "model_version"]).any()
    assert len(predicted) == LISTINGS

    refusal = workspace.run("nightly", "--run-date", "2026-11-10", fails_with=2)["error"]
    assert [one["run_id"] in refusal, two["run_id"] in refusal] == [True, True]
    following = workspace.run("nightly", "--run-date", "2026-11-11", "--accept-changes")
    assert following["rows_current"] == 0
    pd.testing.assert_frame_equal(table(workspace, "clean_listings").loc[rest, DECIDED], after_two.loc[rest, DECIDED])
    events = {row["event"] for row in workspace.run("explain", reviewed)["events"]}
    assert events >= {"delivered", "judged", "corrected", "reviewed"}

    undone = workspace.run("revert", two["run_id"], "--with-later")
    assert undone["reverts"] == f"{following['run_id']}, {two['run_id']}"
    back = table(workspace, "clean_listings")
    # It is decided together with another listing, which may change the last digits.
    pd.testing.assert_frame_equal(back[DECIDED].drop(reviewed), after_one[DECIDED].drop(reviewed))
    assert back.effective_category[reviewed] == category


def test_another_model_decides_the_chosen_listings_and_no_newer_publication_is_overwritten(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_registry(workspace.path, str(workspace.path), load_settings("test").registry)
    model = registry.model(registry.champion_version())
    copy = registry.register(model.bundle, params={}, figures={}, curves={}, by_category={}, tags={})
    night = publications(workspace.warehouse)[-1]
    before = table(workspace, "clean_listings")
    category, seller = before.category.value_counts().index[0], before.seller_id.value_counts().index[0]
    chosen = before[(before.category == category) & (before.seller_id == seller)].index
    words = ("backfill", "--apply", "--category", category, "--category", "none", "--seller", seller, "--model", copy)

    def overtaken(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Elsewhere than in a local folder, where a lock prevents it, a night may publish meanwhile."""
        now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
        pins = Pins(model.version, night.listings_version, night.taxonomy_version, None, None)
        later = RunRecord("nightly-2026-11-10-later0", "nightly", night.run_date, "published", "", {}, now, now, pins)
        record(workspace.warehouse, replace(later, published_versions=night.published_versions))
        return judge(*args, **options)

    summary = workspace.run(*words)
    assert (summary["model_version"], summary["champion"]) == (copy, model.version)
    assert (summary["chosen"], summary["rows_current"]) == (len(chosen), len(chosen))
    assert (summary["unknown_category"], summary["unknown_seller_id"]) == (1, 0)
    check_state(workspace, night, summary, list(chosen))
    # The same network gives the same answers, although it has judged no other listing.
    after = table(workspace, "clean_listings")
    assert (after.best_category == before.best_category).all()

    written = workspace.warehouse.version(CLEAN_LISTINGS)
    monkeypatch.setattr(jobs.backfilling.apply, "judge", overtaken)
    assert "nightly-2026-11-10-later0 was published while" in workspace.run(*words, fails_with=1)["error"]
    assert workspace.warehouse.version(CLEAN_LISTINGS) == written


def test_a_backfill_is_not_applied_to_nothing(trained: Workspace, tmp_path: Path) -> None:
    def error(*words: str) -> Any:  # noqa: ANN401
        return trained.run("backfill", *words, fails_with=2)["error"]

    assert "nothing has been published" in error("--apply", "--category", "x")
    assert "needs a choice of listings" in error("--apply")
    assert "leave out --from" in error("--apply", "--category", "x", "--from", "2026-11-10")
    assert "add --apply" in error("--seller", "x", "--from", "2026-11-10", "--to", "2026-11-10")
    assert "cannot be read as text" in error("--apply", "--ids", str(tmp_path))
