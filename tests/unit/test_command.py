"""Common options are added to a command's own options, and its summary is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from jobs.console import command
from jobs.console.command import Command, as_command
from jobs.console.job import Job, clock, reported_errors
from jobs.console.summary import Summary
from schemas.errors import RefusedError

RowsOption = Annotated[int, typer.Option("--rows", help="How many rows.")]
FailureOption = Annotated[str, typer.Option("--how", help="How to fail.")]
OwnWarehouse = Annotated[str, typer.Option("--warehouse", help="A folder of its own.")]


def count(job: Job, rows: RowsOption = 3) -> Summary:
    """Count the rows."""
    return Summary("Counted", {"job": job.name, "warehouse": str(job.warehouse), "rows": rows})


def make(job: Job, warehouse: OwnWarehouse = "here") -> Summary:
    """Make a warehouse."""
    return Summary("Made", {"job": job.name, "warehouse": str(job.warehouse), "made": warehouse})


def fail(job: Job, how: FailureOption) -> Summary:
    """Fail."""
    assert job.name == "failing"
    raise {"refused": RefusedError("it is [too] much"), "broken": OSError("no space")}.get(how, KeyboardInterrupt())


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """Commands without Spark."""

    @contextmanager
    def opened(
        name: str, warehouse: str, profile: str, overrides: Iterable[str], as_json: bool = False
    ) -> Iterator[Any]:
        assert (profile, list(overrides)) in [("local", []), ("test", ["a.b=1", "a.c=2"])]
        with reported_errors(name, clock(), as_json):
            yield SimpleNamespace(name=name, warehouse=warehouse)

    monkeypatch.setattr(command, "open_job", opened)
    commands = typer.Typer(rich_markup_mode=None)
    commands.command("count", cls=Command)(as_command("counting", count))
    commands.command("make", cls=Command)(as_command("making", make))
    commands.command("fail", cls=Command)(as_command("failing", fail))
    return commands


def test_own_and_common_options_reach_the_function_and_the_job(app: typer.Typer) -> None:
    words = ["count", "--rows=5", "--warehouse=w", "--profile=test", "--set=a.b=1", "--set=a.c=2", "--json"]
    result = CliRunner().invoke(app, words)
    assert json.loads(result.stdout) == {"title": "Counted", "job": "counting", "warehouse": "w", "rows": 5}
    people = CliRunner().invoke(app, ["count", "--warehouse", "w"])
    assert people.stdout.split() == ["Counted", "job", "counting", "warehouse", "w", "rows", "3"]


def test_help_shows_every_option_once(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["count", "--help"]).stdout
    assert "Count the rows." in shown
    assert [shown.count(option) for option in ("--rows", "--warehouse", "--profile", "--set ", "--json")] == [1] * 5
    assert CliRunner().invoke(app, ["count"]).exit_code == 2


def test_an_option_of_the_function_replaces_the_common_one(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["make", "--json"])
    assert json.loads(result.stdout) == {"title": "Made", "job": "making", "warehouse": "here", "made": "here"}
    shown = CliRunner().invoke(app, ["make", "--help"]).stdout
    assert "A folder of its own." in shown
    assert shown.count("--warehouse") == 1


@pytest.mark.parametrize(
    ("how", "exit_code", "error"),
    [
        ("refused", 3, r"it is \[too\] much"),
        ("broken", 1, r"OSError: no space\. The traceback is in /\S+"),
        ("stopped", 130, r"failing was stopped by the user"),
    ],
)
def test_a_failure_is_one_json_object_on_stdout_and_the_same_words_on_stderr(
    app: typer.Typer, how: str, exit_code: int, error: str
) -> None:
    words = ["fail", "--how", how, "--warehouse", "w"]
    result = CliRunner().invoke(app, [*words, "--json"])
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["exit_code"], sorted(printed)) == (exit_code, exit_code, ["error", "exit_code"])
    assert re.fullmatch(error, printed["error"])
    assert result.stderr.strip().partition(": ")[2] == printed["error"]
    assert CliRunner().invoke(app, words).stdout == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["count", "--rows=many", "--warehouse=w"], "Invalid value for '--rows'"),
        (["count"], "Missing option '--warehouse'"),
        (["count", "--row", "--warehouse=w"], "No such option: --row"),
    ],
)
def test_wrong_options_are_one_json_object_too(app: typer.Typer, words: list[str], error: str) -> None:
    result = CliRunner().invoke(app, [*words, "--json"])
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["exit_code"]) == (2, 2)
    assert error in printed["error"]
    assert error in " ".join(result.stderr.split())
    plain = CliRunner().invoke(app, words)
    assert (plain.exit_code, plain.stdout) == (2, "")


def test_a_command_that_only_looked_shows_its_summary_and_ends_as_the_work_would(app: typer.Typer) -> None:
    def look(job: Job) -> Summary:
        """Look."""
        return Summary("Looked", {"job": job.name}, error=RefusedError("it is too much"))

    app.command("look", cls=Command)(as_command("looking", look))
    result = CliRunner().invoke(app, ["look", "--warehouse", "w"])
    assert result.exit_code == 3
    assert "job    looking" in result.stdout
    assert result.stderr == "refused: it is too much\n"
    as_json = CliRunner().invoke(app, ["look", "--warehouse", "w", "--json"])
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout)["error"] == "it is too much"
