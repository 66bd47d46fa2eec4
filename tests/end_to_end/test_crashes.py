"""A night and an ingest are killed, and others try to run meanwhile. The first test is the sample of `make test`."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from conf.load import load_settings
from tests.crash.cases import CASES, NIGHT, Words, ingest, review
from tests.crash.contents import differences
from tests.crash.contents import published as read_all
from tests.crash.events import GO_ON, KILL, Change, compile_watcher, run_watched
from tests.crash.trial import Trial, prepare
from tests.end_to_end.conftest import Workspace
from training.registry import open_registry

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that announces changes."""
    return compile_watcher(tmp_path_factory.mktemp("watcher"))


@pytest.fixture(scope="module")
def night(published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A night after a delivery."""
    return prepare(CASES["nightly"], published, tmp_path_factory.mktemp("night"))


def commit_of(table: str, others: int = 0) -> Callable[[Change], bool]:
    """The change that makes a commit of a table visible; its data files are written by then.

    Args:
        table: name of the table.
        others: number of commits before it in the same run.
    """
    seen = count()
    commit = re.compile(rf"{table}/_delta_log/\d+\.json")
    return lambda change: bool(commit.fullmatch(change.path)) and next(seen) == others


def decided(workspace: Workspace, folder: Path) -> Words:
    """A night after decisions: it changes what readers see, and scores nothing, so that it is short."""
    workspace.run(*review(workspace, folder))
    return ("nightly", "--run-date", NIGHT)


def test_a_night_that_is_killed_just_before_it_publishes_can_be_run_again(
    published: Workspace, library: Path, tmp_path: Path
) -> None:
    trial = prepare(decided, published, tmp_path)
    assert trial.before is not None
    assert trial.after is not None
    assert differences(trial.before.tables, trial.after.tables)
    left = trial.start.copy(tmp_path / "killed")
    ended = trial.kill(library, left, commit_of("runs"))
    assert ended.code < 0, ended.output
    assert {change.path.split("/")[0] for change in ended.changes} >= {"clean_listings", "corrections", "sellers"}
    assert trial.problems(left) == ""
    assert [run["status"] for run in left.run("runs")["runs"][:2]] == ["published", "interrupted"]


@pytest.mark.crash
def test_a_night_that_is_killed_twice_and_moved_ends_as_if_nothing_had_happened(
    night: Trial, library: Path, tmp_path: Path
) -> None:
    running = night.start.copy(tmp_path)
    refusals: list[str] = []

    def let_others_try(change: Change) -> int:
        if not commit_of("clean_listings")(change):
            return GO_ON
        others = (night.words, ingest(running, tmp_path), review(running, tmp_path), ("maintain",))
        refusals.extend(running.run(*words, fails_with=1)["error"] for words in others)
        return KILL

    ended = run_watched(library, running.path, night.process(running), let_others_try)
    assert ended.code < 0, ended.output
    assert len(refusals) == 4
    assert all("is locked by job nightly (process" in refusal for refusal in refusals)
    assert read_all(running.warehouse) == night.before

    ended = night.kill(library, running, commit_of("runs", 1))
    assert ended.code < 0, ended.output
    assert {change.path.split("/")[0] for change in ended.changes} >= {"clean_listings", "predictions", "corrections"}
    moved = Workspace(running.spark, running.path.rename(tmp_path / "elsewhere"), running.source)
    assert night.problems(moved) == ""
    registry = open_registry(moved.path, str(moved.path), load_settings("test").registry)
    assert Path(registry.model(registry.champion_version()).bundle).is_relative_to(moved.path)


@pytest.mark.crash
def test_an_ingest_killed_while_it_merges_can_be_run_again(published: Workspace, library: Path, tmp_path: Path) -> None:
    trial = prepare(CASES["ingest"], published, tmp_path)
    left = trial.start.copy(tmp_path / "killed")
    ended = trial.kill(library, left, commit_of("listings"))
    assert ended.code < 0, ended.output
    assert "listing_changes" in {change.path.split("/")[0] for change in ended.changes}
    assert trial.problems(left) == ""


@pytest.mark.crash
def test_a_registry_that_is_away_publishes_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before = read_all(workspace.warehouse)
    away = ("--set", "registry.tracking_uri=http://127.0.0.1:9")
    for command in (("nightly", "--run-date", "2026-11-11"), ("encode",)):
        error = workspace.run(*command, *away, fails_with=1)["error"]
        assert "the model registry http://127.0.0.1:9 does not answer" in error
    assert read_all(workspace.warehouse) == before
