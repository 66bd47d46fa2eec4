"""Common options are added to a command's own options, and its summary is printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from jobs.console import command
from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Summary

RowsOption = Annotated[int, typer.Option("--rows", help="How many rows.")]
OwnWarehouse = Annotated[str, typer.Option("--warehouse", help="A folder of its own.")]


def count(job: Job, rows: RowsOption = 3) -> Summary:
    """Count the rows."""
    return Summary("Counted", {"job": job.name, "warehouse": str(job.warehouse), "rows": rows})


def make(job: Job, warehouse: OwnWarehouse = "here") -> Summary:
    """Make a warehouse."""
    return Summary("Made", {"job": job.name, "warehouse": str(job.warehouse), "made": warehouse})


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """Two commands without Spark."""

    @contextmanager
    def opened(name: str, warehouse: str, profile: str, overrides: Iterable[str]) -> Iterator[Any]:
        assert (profile, list(overrides)) in [("local", []), ("test", ["a.b=1", "a.c=2"])]
        yield SimpleNamespace(name=name, warehouse=warehouse)

    monkeypatch.setattr(command, "open_job", opened)
    commands = typer.Typer(rich_markup_mode=None)
    commands.command("count")(as_command("counting", count))
    commands.command("make")(as_command("making", make))
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
