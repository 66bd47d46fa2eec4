"""Every command describes itself and its options, and refuses wrong usage with exit code 2."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.testing import CliRunner

from jobs.cli import app
from jobs.console.options import parse_date
from jobs.lifecycle.provenance import find_program

ROOT = Path(__file__).parents[2]
COMMANDS = {"demo", "ingest", "encode", "train", "nightly", "backfill", "revert", "report", "changes", "explain"}
COMMANDS |= {"fetch-pictures", "erase", "maintain", "review", "runs", "models", "init", "corrections", "suggest"}
COMMANDS |= {"thresholds"}


def leaves(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  Typer's own Click
    """Every command, without command groups, with the words that call it."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from leaves(inner, *words, name)
    else:
        yield words, command


LEAVES = dict(leaves(typer.main.get_command(app)))


def test_the_commands_are_the_documented_ones() -> None:
    assert {words[0] for words in LEAVES} == COMMANDS


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_describes_a_command_and_its_options(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    command = LEAVES[words]
    assert command.help
    assert command.help.split("\n")[0][:40] in " ".join(result.stdout.split())
    options = [parameter for parameter in command.params if isinstance(parameter, TyperOption)]
    assert [option.name for option in options if not option.help] == []
    assert {"--warehouse", "--profile", "--set", "--json"} <= {name for option in options for name in option.opts}


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_an_unknown_option_is_wrong_usage(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--no-such-option", "--json"])
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr
    assert "--no-such-option" in json.loads(result.stdout)["error"]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_settings_that_cannot_be_used_are_all_named_before_any_work(words: tuple[str, ...], tmp_path: Path) -> None:
    required = {
        "erase": ["--listing", "D0000002"],
        "nightly": ["--run-date", "2026-01-31"],
        "backfill": ["--from", "2026-01-30", "--to", "2026-01-31"],
        "init": ["listings.parquet", "--out", str(tmp_path / "my.yaml")],
        "ingest": ["listings.parquet", "--taxonomy", "taxonomy.csv"],
        "changes": ["--since", "nightly-2026-01-31-0a1b2c"],
    }
    positional = ["1" for parameter in LEAVES[words].params if isinstance(parameter, TyperArgument)]
    given = required.get(words[0], positional)
    faulty = ["--set", "train.ranks=0", "--set", "decide.no_such_setting=1"]
    result = CliRunner().invoke(app, [*words, *given, "--warehouse", str(tmp_path / "warehouse"), *faulty, "--json"])
    assert result.exit_code == 2, result.output
    printed = json.loads(result.stdout)
    for text in (result.stderr, printed["error"]):
        assert "train.ranks" in text
        assert "decide.no_such_setting" in text
    assert printed["exit_code"] == 2
    assert not (tmp_path / "warehouse").exists()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_job_can_be_run_as_main(name: str) -> None:
    source = (ROOT / "jobs" / f"{name.replace('-', '_')}.py").read_text()
    assert 'if __name__ == "__main__":' in source


def test_the_jobs_folder_contains_only_the_commands() -> None:
    entry_points = {"cli", "store"}  # the command line itself, and the import path of `read_published`
    commands = {name.replace("-", "_") for name in COMMANDS}
    assert {path.stem for path in (ROOT / "jobs").glob("*.py")} == commands | entry_points | {"__init__"}


def test_a_job_runs_by_its_file_as_with_spark_submit() -> None:
    """Python then puts the folder of the file first on the path, not that of the project."""
    result = subprocess.run(
        [sys.executable, ROOT / "jobs" / "runs.py", "-h"],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "--warehouse" in result.stdout


def test_a_command_imports_nothing_that_only_others_need() -> None:
    """Importing the modules of all commands takes seconds."""
    code = "import sys\nfrom typer.testing import CliRunner\nfrom jobs.cli import app\n"
    code += "assert CliRunner().invoke(app, ['runs', '--help']).exit_code == 0\n"
    code += "print(*{name.split('.')[0] for name in sys.modules} & {'mlflow', 'scipy', 'sklearn', 'plotly', 'PIL'})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_mistyped_command_is_wrong_usage_and_the_next_one_is_named() -> None:
    result = CliRunner().invoke(app, ["nightlly"])
    assert result.exit_code == 2
    assert "Did you mean 'nightly'?" in result.stderr


def test_a_job_run_by_its_file_reports_wrong_options_as_json() -> None:
    words = ["--warehouse", "w", "--run-date", "20261128", "--json"]
    result = subprocess.run(
        [sys.executable, ROOT / "jobs" / "nightly.py", *words],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    printed = json.loads(result.stdout)
    assert printed["exit_code"] == 2
    assert "'20261128' is not a date; write YYYY-MM-DD." in printed["error"]


@pytest.mark.parametrize("text", ["20261128", "2026-W48-6", "2026-11-28T00:00", "2026-02-30", "28.11.2026", ""])
def test_a_run_date_has_one_form(text: str) -> None:
    assert parse_date("2026-11-28") == dt.date(2026, 11, 28)
    with pytest.raises(typer.BadParameter, match="is not a date; write YYYY-MM-DD"):
        parse_date(text)


def test_a_report_that_cannot_be_written_is_an_error_as_json(tmp_path: Path) -> None:
    words = ["report", "--html", str(tmp_path / "no" / "report.html"), "--warehouse", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, words)
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["exit_code"]) == (2, 2)
    assert printed["error"] in result.stderr


def test_an_ingest_needs_a_warehouse_unless_it_is_a_dry_run(tmp_path: Path) -> None:
    missing = str(tmp_path / "listings.csv")
    result = CliRunner().invoke(app, ["ingest", missing, "--taxonomy", missing])
    assert result.exit_code == 2
    assert "--warehouse" in result.stderr
    for words in (["ingest", missing, "--dry-run"], ["ingest", "--dry-run", missing]):
        result = CliRunner().invoke(app, words)
        assert (result.exit_code, f"{missing}: no such file or folder" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [(), ("train",), ("review", "users", "add")])
def test_help_has_a_short_form(words: tuple[str, ...]) -> None:
    short, long = (CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.stdout == long.stdout
    assert "Show this message and exit." in short.stdout


def test_the_version_is_that_of_the_run_log() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.strip() == find_program()
