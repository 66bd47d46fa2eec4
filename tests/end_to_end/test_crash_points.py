"""Every command is killed before every change that it makes to the warehouse, and run again: for `make test-all`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.cases import CASES
from tests.crash.events import compile_watcher, is_point
from tests.crash.trial import Trial, prepare
from tests.end_to_end.conftest import Workspace

pytestmark = [pytest.mark.crash, pytest.mark.end_to_end, pytest.mark.timeout(4 * 3600)]

KILLS = {"nightly": 20}
OTHER_KILLS = 4
"""Points at which a command is killed for real; at all others, a copy of the warehouse stands for what is left."""


@pytest.fixture(scope="module", params=CASES)
def trial(request: pytest.FixtureRequest, published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A command and what it does undisturbed."""
    return prepare(CASES[request.param], published, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that announces changes."""
    return compile_watcher(tmp_path_factory.mktemp("watcher"))


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[object, str], None]:
    """Prints a line of the table of points and results at once."""

    def print_line(point: object, problems: str) -> None:
        with capsys.disabled():
            print(f"{'ok' if not problems else 'WRONG':6} {point} {problems}")  # noqa: T201

    return print_line


def test_at_every_point_the_next_run_ends_as_if_nothing_had_happened(
    trial: Trial, library: Path, tmp_path: Path, show: Callable[[object, str], None]
) -> None:
    ended, points = trial.copies(library, tmp_path, is_point)
    assert ended.code == 0, ended.output
    wrong = {}
    for place, point in enumerate(points):
        left = Workspace(trial.start.spark, tmp_path / str(place) / "warehouse", trial.start.source)
        problems = trial.problems(left)
        show(f"{trial.words[0]} {point}", problems)
        if problems:
            wrong[str(point)] = problems
    assert wrong == {}


def test_a_command_that_is_killed_with_all_its_processes_can_be_run_again(
    trial: Trial, library: Path, tmp_path: Path, show: Callable[[object, str], None]
) -> None:
    listed, _ = trial.copies(library, tmp_path / "listed", lambda _: False)
    points = [change for change in listed.changes if is_point(change)]
    wrong = {}
    kills = KILLS.get(trial.words[0], OTHER_KILLS)
    for place in range(kills):
        point = points[place * len(points) // kills]
        left = trial.start.copy(tmp_path / str(place))
        ended = trial.kill(library, left, point.__eq__)
        problems = f"it was not killed: {ended.output}" if ended.code >= 0 else trial.problems(left)
        show(f"{trial.words[0]} killed at {point}", problems)
        if problems:
            wrong[str(point)] = problems
    assert wrong == {}
