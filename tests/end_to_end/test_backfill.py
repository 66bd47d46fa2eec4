"""A backfill judges the catalogue as it was on past dates, beside what nights have published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame

import jobs.backfilling.archive
import jobs.backfilling.days
import jobs.console.job
from jobs.lifecycle.publications import publications
from jobs.store import read_published
from jobs.warehouse.tables import Warehouse
from schemas.tables import BACKFILL_DECISIONS, BACKFILL_PREDICTIONS, FEATURES, PREDICTIONS, TABLES, Table
from tests.end_to_end.conftest import LISTINGS, Workspace

pytestmark = pytest.mark.end_to_end

TODAY = dt.datetime.now(dt.UTC).replace(tzinfo=None)


def day(number: int) -> str:
    """A date; 0 is the day of the first delivery."""
    return str((TODAY + dt.timedelta(days=number)).date())


def decisions(workspace: Workspace, backfill_id: str) -> pd.DataFrame:
    rows = workspace.warehouse.read(BACKFILL_DECISIONS).where(f"backfill_id = '{backfill_id}'").toPandas()
    return rows.drop(columns="backfill_id").sort_values(["as_of", "listing_id"], ignore_index=True)


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make commands believe that it is another day."""

    def set_clock(number: int) -> None:
        monkeypatch.setattr(jobs.console.job, "clock", lambda: TODAY + dt.timedelta(days=number))

    return set_clock


@dataclass(frozen=True)
class History:
    """Deliveries after the first one, at day 0.

    Attributes:
        retitled, repictured, relabelled: listings with a new title, picture or category at day 2.
        withdrawn: listings that were withdrawn at day 3.
    """

    retitled: list[str]
    repictured: list[str]
    relabelled: str
    withdrawn: list[str]


def deliver(workspace: Workspace, on_day: Callable[[int], None], folder: Path) -> History:
    predicted = read_published(workspace.warehouse, "predictions").where("image_status = 'ok'").toPandas()
    ids = sorted(predicted.listing_id)
    history = History(ids[:2], ids[2:4], ids[4], ids[-3:])

    def changed(listings: pd.DataFrame) -> pd.DataFrame:
        rows = listings.set_index("listing_id")
        pictures, categories = list(rows.image[ids[6:8]]), rows.category.dropna()
        rows = rows.loc[ids[:5]].assign(updated_at=pd.Timestamp(TODAY + dt.timedelta(days=2), tz="UTC"))
        rows.loc[history.retitled, "title"] += " renewed"
        rows.loc[history.repictured, "image"] = pictures
        rows.loc[ids[4], "category"] = next(c for c in categories if c != rows.category[ids[4]])
        return rows.reset_index()

    on_day(2)
    workspace.ingest(workspace.delivery(folder, changed))
    on_day(3)
    rest = workspace.delivery(folder, lambda rows: rows[~rows.listing_id.isin(history.withdrawn)])
    workspace.ingest(rest, "--full")
    return history


def test_a_backfill_judges_each_date_as_it_was_and_continues_after_a_failure(
    workspace: Workspace, on_day: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = deliver(workspace, on_day, tmp_path)
    night = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    forgotten = history.repictured[0]
    # Of one listing, neither the earlier picture's vector nor the prediction is kept.
    for table in (FEATURES, PREDICTIONS):
        workspace.warehouse.table(table).delete(
            f"listing_id = '{forgotten}' AND content_hash = '{night.content_hash[forgotten]}'"
        )
    published = publications(workspace.warehouse)
    command = ("backfill", "--from", day(-1), "--to", day(3))
    part = ("backfill", "--from", day(2), "--to", day(3))
    monkeypatch.setattr(jobs.backfilling.days, "_MOST_DATES", 3)
    replace = Warehouse.replace_where

    def fail_on_day_2(self: Warehouse, table: Table, rows: DataFrame, condition: str) -> None:
        if table == BACKFILL_DECISIONS and day(2) in condition:
            raise OSError("the disk is gone")
        replace(self, table, rows, condition)

    with monkeypatch.context() as broken:
        broken.setattr(Warehouse, "replace_where", fail_on_day_2)
        workspace.run(*command, fails_with=1)
    continued = workspace.run(*command)
    assert (continued["dates_judged"], continued["dates_kept"]) == (3, 2), "days 0 and 1 are kept"
    found = decisions(workspace, continued["backfill_id"])
    undisturbed = workspace.run(*part)
    assert (undisturbed["dates_judged"], undisturbed["dates_kept"]) == (2, 0)
    again = decisions(workspace, undisturbed["backfill_id"])
    pd.testing.assert_frame_equal(found[found.as_of >= again.as_of.min()].reset_index(drop=True), again)

    figures = [[row[name] for name in ("listings", "judged", "without_picture")] for row in undisturbed["dates"]]
    assert figures == [[LISTINGS, 4, 0], [LISTINGS - 3, 0, 0]]
    assert found.groupby("as_of").size().tolist() == [LISTINGS, LISTINGS, LISTINGS, LISTINGS - 3]
    check_decisions(found, night, history)

    assert publications(workspace.warehouse) == published
    assert not {"backfill_decisions", "backfill_predictions", "backfills"} & set(published[-1].published_versions)
    own = workspace.warehouse.read(BACKFILL_PREDICTIONS).where(f"backfill_id = '{continued['backfill_id']}'")
    assert own.groupBy("listing_id", "content_hash").count().where("count > 1").isEmpty()


def check_decisions(found: pd.DataFrame, night: pd.DataFrame, history: History) -> None:
    by_day = [rows.set_index("listing_id").drop(columns="as_of") for _, rows in found.groupby("as_of")]
    first, quiet, _, last = by_day
    # The night judged the same content with the same model, but one picture is gone since.
    others = night.index.difference([history.repictured[0]])
    assert (first.best_category[others] == night.best_category[others]).mean() > 0.99
    assert first.index[first.image_status == "not_kept"].tolist() == [history.repictured[0]]
    pd.testing.assert_frame_equal(first, quiet)
    changed = [*history.retitled, *history.repictured]
    assert (last.content_hash[changed] != night.content_hash[changed]).all()
    assert (last.image_status[changed] == "ok").all()
    assert last.category[history.relabelled] != first.category[history.relabelled]
    assert not set(history.withdrawn) & set(last.index)
    assert not found.reasons.explode().isin(["audit_sample"]).any()


def archive(workspace: Workspace, folder: Path) -> pd.DataFrame:
    """60 listings that the catalogue does not have, an older version of one, and a row without a time."""
    delivered = workspace.delivery(folder, lambda rows: rows.head(60))
    rows = pd.read_parquet(delivered)
    rows["listing_id"], rows["currency"], rows["condition"] = "old-" + rows.listing_id, "EUR", "used"
    older = rows.head(1).assign(updated_at=rows.updated_at.min() - pd.Timedelta(days=9), title="an older title")
    broken = rows.tail(1).assign(listing_id="broken", updated_at=None)
    pd.concat([rows, older, broken]).to_parquet(delivered, index=False, coerce_timestamps="us")
    return rows


def test_an_archive_is_judged_once_in_pieces_and_copied_with_its_corrections(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = archive(workspace, tmp_path).set_index("listing_id")
    files, out = str(tmp_path / "delivery.parquet"), tmp_path / "corrected"
    command = ("backfill", "--listings", files, "--out", str(out))
    monkeypatch.setattr(jobs.backfilling.archive, "_PIECE_ROWS", 30)
    append, scored = Warehouse.append, list[int]()

    def fail_once(self: Warehouse, table: Table, added: DataFrame) -> None:
        if table == BACKFILL_PREDICTIONS:
            if len(scored) == 1:
                scored.append(0)
                raise OSError("the disk is gone")
            scored.append(added.count())
        append(self, table, added)

    monkeypatch.setattr(Warehouse, "append", fail_once)
    listings, changes = (workspace.warehouse.read(TABLES[name]).count() for name in ("listings", "listing_changes"))
    published = publications(workspace.warehouse)
    workspace.run(*command, fails_with=1)
    summary = workspace.run(*command)
    assert summary["listings_kept"] == scored[0] > 0
    assert sum(scored) == len(rows), "no listing is judged twice"
    account = ("rows_in", "rows_current", "rows_superseded", "rows_quarantined")
    assert [summary[name] for name in account] == [62, 60, 1, 1]
    assert summary["quarantined"] == [{"reason": "missing_updated_at", "rows": 1}]
    assert summary["kept"] + summary["corrected"] + summary["referred"] == 60

    copy = pd.read_parquet(out).set_index("listing_id").sort_index()
    found = decisions(workspace, summary["backfill_id"]).set_index("listing_id")
    assert list(copy.index) == sorted(rows.index)
    assert copy.title.equals(rows.title.reindex(copy.index))
    assert (set(copy.currency), set(copy.condition)) == ({"EUR"}, {"used"})
    assert [bytes(b) if b is not None else None for b in copy.image] == list(rows.image.reindex(copy.index))
    assert copy.seller_category.fillna("").equals(rows.category.reindex(copy.index).fillna(""))
    assert copy.category.fillna("").equals(found.effective_category.reindex(copy.index).fillna(""))
    assert set(copy.category_action) <= {"kept", "corrected", "referred"}
    # There are few listings of each category, but the model has learned from more.
    corrected = copy[copy.category_action == "corrected"]
    assert len(corrected) == summary["corrected"] > 0
    assert (corrected.category != corrected.seller_category).all()

    assert workspace.warehouse.read(TABLES["listings"]).count() == listings
    assert workspace.warehouse.read(TABLES["listing_changes"]).count() == changes
    assert publications(workspace.warehouse) == published
    assert not list((workspace.path / "_staging").glob("archive_*"))
    assert "exists" in workspace.run(*command, fails_with=2)["error"]


def test_a_backfill_refuses_dates_that_it_cannot_judge(workspace: Workspace) -> None:
    def error(*words: str) -> Any:  # noqa: ANN401
        return workspace.run("backfill", *words, fails_with=2)["error"]

    assert "give two dates in order" in error("--from", day(0), "--to", day(-1))
    assert "none later than today" in error("--from", day(0), "--to", day(1))
    assert "leave out --from and --to" in error("--listings", "x.parquet", "--to", day(0))
    assert "no such file" in error("--listings", "/no/such/file.parquet")
    assert "name its files with --listings" in error("--from", day(-1), "--to", day(0), "--out", "x")
    assert "give the dates to judge" in error()
    assert "there is no version '99'" in error("--from", day(-1), "--to", day(0), "--model", "99")
