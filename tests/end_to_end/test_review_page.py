"""From a publication to the review page, and from the page's answers to the next night."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pandas as pd
import psutil
import pytest
from pyspark.sql import functions as F

from jobs.lifecycle.lock import warehouse_lock
from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.opinions import Shares
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from jobs.store import read_published
from schemas.tables import REVIEW_DECISIONS, RUNS
from tests.end_to_end.conftest import Workspace
from tests.end_to_end.test_review import true_categories, work_list
from tests.programs import guarded

pytestmark = pytest.mark.end_to_end

_NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
_ADA = Reviewer("window", "page", "ada", "reviewer")
_BOB = Reviewer("another window", "another page", "bob", "reviewer")


@dataclass(frozen=True)
class Answered:
    """Listings by what was answered on the page. The first one needs a second opinion."""

    accepted: Showing
    rejected: Showing
    reopened: Showing
    skipped: Showing
    audited: Showing
    priced: Showing

    @classmethod
    def on(cls, store: Store, shown: list[Showing], truth: pd.Series[str]) -> Answered:
        """Answer some questions; the last three answers are to be taken back."""
        asked = [each for each in shown if each.question == "category" and each.view["category"]]
        accepted, rejected, reopened, skipped = [
            each for each in asked if each.view["category"] != each.view["best_category"]
        ][:4]
        audited, priced = (next(e for e in shown if e.question == name) for name in ("audit", "price_outlier"))
        [doubted] = store_answers(store, _ADA, [Answer(accepted.showing_id, "accept")], _NOON, Shares(second=1.0))
        answers = [
            Answer(rejected.showing_id, "reject", note="the seller knows"),
            Answer(audited.showing_id, "set_category", truth[audited.view["listing_id"]]),
            Answer(priced.showing_id, "reject"),
            Answer(reopened.showing_id, "accept"),
            Answer(skipped.showing_id, "skip"),
        ]
        assert {each.state for each in [doubted, *store_answers(store, _ADA, answers, _NOON)]} == {"stored"}
        return cls(accepted, rejected, reopened, skipped, audited, priced)


def of(showing: Showing) -> str:
    return str(showing.view["listing_id"])


def check_stored(workspace: Workspace, given: Answered, before: pd.DataFrame, truth: pd.Series[str]) -> None:
    """The rows of review_decisions."""
    seen = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    stored = workspace.warehouse.read(REVIEW_DECISIONS).toPandas().set_index("listing_id")
    assert len(stored) == 6
    blind, others = stored.loc[of(given.audited)], stored.drop(index=of(given.audited))
    assert (blind.purpose, blind.category) == ("audit", truth[of(given.audited)])
    assert blind.audit_chance == before.audit_chance[of(given.audited)]
    assert set(others.purpose) == {"work"}
    assert others.audit_chance.isna().all()
    assert set(stored.reviewer_role) == {"reviewer"}
    assert (stored.content_hash == seen.content_hash[stored.index]).all()
    assert stored.judged_hash.str.fullmatch("[0-9a-f]{64}").all()
    assert set(stored.run_id) == {exported_run(workspace)}
    assert stored.note[of(given.rejected)] == "the seller knows"
    assert stored.reason[of(given.priced)] == "price_outlier"


def test_answers_of_the_page_reach_the_next_night_and_can_be_taken_back(workspace: Workspace) -> None:
    exported = workspace.run("review", "sync")
    before, truth = work_list(workspace), true_categories(workspace)
    seen = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    store = Store(workspace.path / "_review")
    shown = show_next(store, _ADA, Filters(), [], 1000, _NOON)
    assert len(shown) == exported["questions_exported"]
    assert {of(each) for each in shown} == set(before.index[before.status == "open"])
    assert sum(each.view["picture"] is not None for each in shown) > len(shown) / 2
    for each in shown:
        listing = seen.loc[of(each)]
        assert (each.view["title"], each.view["best_category"]) == (listing.title, listing.best_category)

    given = Answered.on(store, shown, truth)
    # A job that holds the warehouse is not waited for, and the answers stay.
    with warehouse_lock(workspace.path, "nightly", 0, _NOON, print):
        held = workspace.run("review", "sync")
    assert (held["answers_written"], held["answers_waiting"]) == (0, 6)
    done = workspace.run("review", "sync")
    assert (done["answers_written"], done["answers_waiting"], done["answers_refused"]) == (6, 0, 0)
    assert done["questions_exported"] is None, "nothing new has been published"
    # As if the process had been killed after the table was written and before the store was.
    with store.writing() as answers:
        answers.execute("UPDATE answers SET written = 0")
    again = workspace.run("review", "sync")
    assert (again["answers_written"], again["answers_waiting"]) == (0, 0)
    check_stored(workspace, given, before, truth)

    undone = [undo(store, _ADA, f"undo-{step}", _NOON).listing_id for step in range(2)]
    assert undone == [of(given.skipped), of(given.reopened)]
    # The night writes what waits before it begins: a reopen; what was skipped needs none.
    workspace.run("nightly", "--run-date", "2026-11-11", "--accept-changes")
    assert [
        row["decision"] for row in workspace.warehouse.read(REVIEW_DECISIONS).where("decision = 'reopen'").collect()
    ]
    clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    decided = clean[clean.category_source == "reviewer"].effective_category
    assert dict(decided) == {
        of(given.accepted): given.accepted.view["best_category"],
        of(given.rejected): given.rejected.view["category"],
        of(given.audited): truth[of(given.audited)],
    }
    after = work_list(workspace)
    assert after.status[of(given.reopened)] == "open"
    priced = after.loc[of(given.priced)]
    assert priced.status == "rejected" or "price_outlier" not in priced.reasons
    story = workspace.run("explain", of(given.reopened))
    assert any("ada took back the last decision" in str(event) for event in story["events"])

    assert workspace.run("review", "sync")["questions_exported"] > 0
    newest = {(of(each), each.question) for each in show_next(store, _ADA, Filters(), [], 1000, _NOON)}
    assert (of(given.reopened), "category") in newest
    answered = (given.accepted, given.rejected, given.audited, given.priced)
    assert {(of(each), each.question) for each in answered} & newest == set()
    check_second_opinion(workspace, store, given.accepted)


def check_second_opinion(workspace: Workspace, store: Store, first: Showing) -> None:
    """After the night that took it from the work list, a question still asks somebody else for a second opinion."""
    release(store, _ADA.page)
    open_to_bob = show_next(store, _BOB, Filters(), [], 1000, _NOON)
    assert [each.question for each in open_to_bob if of(each) == of(first)] == ["category"]
    [again] = [each for each in open_to_bob if of(each) == of(first)]
    assert store_answers(store, _BOB, [Answer(again.showing_id, "reject")], _NOON)[0].state == "stored"
    assert workspace.run("review", "sync")["answers_written"] == 1
    rows = workspace.warehouse.read(REVIEW_DECISIONS).where(F.col("listing_id") == of(first)).collect()
    assert {(row.reviewer, row.purpose, row.decision) for row in rows} == {
        ("ada", "work", "accept"),
        ("bob", "second", "reject"),
    }


def exported_run(workspace: Workspace) -> str:
    """The first night's run id."""
    night = workspace.warehouse.read(RUNS).where(F.col("job") == "nightly").orderBy("finished_at").first()
    assert night is not None
    return str(night.run_id)


def test_the_command_serves_a_page_and_renews_it_by_itself(workspace: Workspace, tmp_path: Path) -> None:
    words = ["review", "serve", "--warehouse", str(workspace.path), "--profile", "test", "--port", "8399"]
    with guarded() as mark, (tmp_path / "said").open("wb") as said:
        started = [sys.executable, "-m", "jobs.cli", *words]
        server = subprocess.Popen(started, env={**os.environ, **mark}, stdout=said, stderr=said)
        until = time.monotonic() + 600
        while not (workspace.path / "_review" / "open-items.sqlite").is_file():
            assert time.monotonic() < until, (tmp_path / "said").read_text()
            assert server.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.5)
        with urlopen("http://127.0.0.1:8399/", timeout=10) as page:
            assert b"<title>Review" in page.read()
        modules = {Path(each.path).name for each in psutil.Process(server.pid).memory_maps()}
        assert not any("arrow" in name or "tensorflow" in name for name in modules), "the server needs no Spark"
        server.terminate()
        assert server.wait(30) in (0, -15)
    assert "The review page is at http://127.0.0.1:8399/" in (tmp_path / "said").read_text()
