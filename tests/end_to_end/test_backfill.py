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

import jobs.console.job
from jobs.lifecycle.publications import publications
from jobs.store import read_published
from jobs.warehouse.tables import Warehouse
from schemas.tables import BACKFILL_DECISIONS, BACKFILL_PREDICTIONS, FEATURES, PREDICTIONS, Table
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
    replace = Warehouse.replace_where

    def fail_on_day_2(self: Warehouse, table: Table, rows: DataFrame, condition: str) -> None:
        if table == BACKFILL_DECISIONS and day(2) in condition:
            raise OSError("the disk is gone")
        replace(self, table, rows, condition)

    with monkeypatch.context() as broken:
        broken.setattr(Warehouse, "replace_where", fail_on_day_2)
        workspace.run(*command, fails_with=1)
    continued = workspace.run(*command)
    assert (continued["dates_judged"], continued["dates_kept"]) == (3, 2)
    again = workspace.run(*command)
    assert (again["dates_judged"], again["dates_kept"]) == (5, 0)
    found = decisions(workspace, again["backfill_id"])
    pd.testing.assert_frame_equal(decisions(workspace, continued["backfill_id"]), found)

    dates = {name: [row[name] for row in again["dates"]] for name in ("listings", "judged", "without_picture")}
    assert dates["listings"] == [0, LISTINGS, LISTINGS, LISTINGS, LISTINGS - 3]
    assert dates["judged"] == [0, 1, 0, 4, 0]
    assert dates["without_picture"] == [0, 1, 1, 0, 0]
    check_decisions(found, night, history)

    assert publications(workspace.warehouse) == published
    assert not {"backfill_decisions", "backfill_predictions", "backfills"} & set(published[-1].published_versions)
    own = workspace.warehouse.read(BACKFILL_PREDICTIONS).where(f"backfill_id = '{again['backfill_id']}'")
    assert own.groupBy("listing_id", "content_hash").count().where("count > 1").isEmpty()


def check_decisions(found: pd.DataFrame, night: pd.DataFrame, history: History) -> None:
    by_day = [rows.set_index("listing_id").drop(columns="as_of") for _, rows in found.groupby("as_of")]
    first, quiet, _, last = by_day
    # The night judged the same content with the same model, but one picture is gone since.
    others = night.index.difference([history.repictured[0]])
    assert (first.best_category[others] == night.best_category[others]).mean() > 0.99
    assert first.image_status[history.repictured[0]] == "not_kept"
    pd.testing.assert_frame_equal(first, quiet)
    changed = [*history.retitled, *history.repictured]
    assert (last.content_hash[changed] != night.content_hash[changed]).all()
    assert (last.image_status[changed] == "ok").all()
    assert last.category[history.relabelled] != first.category[history.relabelled]
    assert not set(history.withdrawn) & set(last.index)
    assert not found.reasons.explode().isin(["audit_sample"]).any()


def test_a_backfill_refuses_dates_that_it_cannot_judge(workspace: Workspace) -> None:
    def error(*words: str) -> Any:  # noqa: ANN401
        return workspace.run("backfill", *words, fails_with=2)["error"]

    assert "give two dates in order" in error("--from", day(0), "--to", day(-1))
    assert "none later than today" in error("--from", day(0), "--to", day(1))
    assert "there is no version '99'" in error("--from", day(-1), "--to", day(0), "--model", "99")
