"""Wrong usage is refused before Spark starts, which takes many seconds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app

DATES = ("--from", "2026-01-30", "--to", "2026-01-31")


class SparkStartedError(Exception):
    """Raised in place of starting Spark."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a warehouse `w`, an empty folder `new`, and files; opening a Spark session fails."""
    for table in ("listings", "taxonomy"):
        log = tmp_path / "w" / table / "_delta_log"
        log.mkdir(parents=True)
        (log / f"{0:020}.json").touch()
    for folder in ("new", "nested/inner", "mixed"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("rows.csv", "rows.xlsx", "mixed/a.csv", "mixed/b.jsonl"):
        (tmp_path / file).write_text("listing_id\n1\n")
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "broken.jsonl").write_text('{"listing_id": "1"}\n{"listing_id": "2"\n')

    def start(*_: Any) -> None:  # noqa: ANN401
        raise SparkStartedError

    monkeypatch.setattr("jobs.console.job.open_session", start)
    monkeypatch.chdir(tmp_path)
    for name in ("SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nightly", "--run-date", "2026-1-31"], "'2026-1-31' is not a date"),
        (["nightly", "--run-date", "2026-01-31", "--warehouse", "rows.csv"], "rows.csv is a file; give a folder"),
        (["nightly", "--run-date", "2026-01-31", "--warehouse", " "], "--warehouse is empty"),
        (["nightly", "--run-date", "2026-01-31", "--warehouse", "s3a:b"], "s3a: must be followed by a path"),
        (["nightly", "--run-date", "2026-01-31", "--warehouse", "wrong"], "wrong contains no listings"),
        (["train", "--warehouse", "wrong"], "wrong contains no listings"),
        (["encode", "--warehouse", "wrong"], "wrong contains no listings"),
        (["revert", "nightly-2026-01-31-0a1b2c", "--warehouse", "wrong"], "wrong contains no listings"),
        (["corrections", "off", "--warehouse", "wrong"], "wrong contains no listings"),
        (
            ["backfill", *DATES, "--accept-changes"],
            "--accept-changes is about limits on what is published: add --apply",
        ),
        (["maintain", "--warehouse", "wrong"], "wrong contains no listings"),
        (["models", "promote", "1", "--warehouse", "wrong"], "wrong contains no listings"),
        (["explain", "A", "--warehouse", "wrong"], "wrong contains no listings"),
        (["report", "--warehouse", "wrong"], "wrong contains no listings"),
        (["changes", "--since", "A", "--warehouse", "wrong"], "wrong contains no listings"),
        (["erase", "--listing", "A", "--warehouse", "wrong"], "wrong contains no listings"),
        (["review", "apply", "rows.csv", "--warehouse", "wrong"], "wrong contains no listings"),
        (["backfill", *DATES, "--warehouse", "wrong"], "wrong contains no listings"),
        (["backfill"], "give the dates to judge with --from and --to"),
        (["backfill", "--from", "2026-01-30"], "give the dates to judge with --from and --to"),
        (["backfill", "--from", "2026-01-31", "--to", "2026-01-30"], "give two dates in order"),
        (["backfill", "--from", "2026-01-31", "--to", "2999-01-01"], "none later than today"),
        (["backfill", "--from", "2026-01-31", "--to", "31.1."], "'31.1.' is not a date"),
        (["backfill", *DATES, "--apply"], "leave out --from, --to, --listings and --out"),
        (["backfill", *DATES, "--seller", "S"], "choose listings of today's catalogue: add --apply"),
        (["backfill", *DATES, "--out", "copy"], "name its files with --listings"),
        (["backfill", *DATES, "--listings", "rows.csv"], "leave out --from and --to"),
        (["backfill", "--listings", "missing.csv"], "missing.csv: no such file or folder"),
        (["backfill", "--listings", "rows.csv", "--out", "new"], "new exists: name a new folder"),
        (["backfill", "--apply"], "give --category, --seller or --ids"),
        (["backfill", "--apply", "--ids", "empty.txt"], "the file has no id"),
        (["backfill", "--apply", "--ids", "missing.txt"], "--ids: there is no file missing.txt. Give a text file"),
        (["ingest", "missing.csv"], "missing.csv: no such file or folder"),
        (["ingest", "rows.xlsx"], "rows.xlsx has an unknown extension"),
        (["ingest", "new"], "new contains no files"),
        (["ingest", "nested"], "nested contains folders (inner, ...)"),
        (["ingest", "mixed"], "mixed contains .csv and .jsonl files"),
        (["ingest", "rows.csv", "--taxonomy", "missing.csv"], "missing.csv: no such file or folder"),
        (["ingest", "rows.csv", "--warehouse", "new"], "new contains no taxonomy yet"),
        (["review", "apply", "missing.csv"], "missing.csv: no such file or folder"),
        (["erase"], "name what to erase"),
        (["erase", "--listing", " "], "name what to erase"),
        (["erase", "--file", "missing.csv"], "missing.csv: no such file or folder"),
        (["erase", "--file", "broken.jsonl"], "broken.jsonl, line 2: this is not JSON"),
        (["erase", "--listing", "A", "--export", "missing"], "path 'missing' does not exist"),
        (["report", "--html", "new"], "--html new: is a folder"),
        (["changes", "--since", "A", "--output", "no/changes.jsonl"], "--output no/changes.jsonl: there is no folder"),
        (["train", "--set", "train.work_folder=here"], "train.work_folder = here: it must be the absolute path"),
        (["train", "--warehouse", "s3a://bucket/w"], "name it with --set train.work_folder=/PATH"),
        (["train", "--set", "text.encoder=new"], "text.encoder=new contains no saved_model.pb"),
        (["encode", "--set", "picture.encoder=resnet"], "there is no encoder with the name 'resnet'"),
        (["encode", "--set", "picture.encoder=./resnet"], "there is no encoder ./resnet"),
        (["train", "--set", "picture.encoder=./new"], "picture.size is missing"),
        (["demo", "--warehouse", "w"], "the folder is not empty and was not created by the demo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_refused_before_spark_starts(words: list[str], error: str) -> None:
    warehouse = [] if "--warehouse" in words else ["--warehouse", "w"]
    result = CliRunner().invoke(app, [*words, *warehouse])
    assert error in " ".join(result.stderr.split())
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["nightly", "--run-date", "2026-01-31"],
        ["ingest", "rows.csv"],
        ["ingest", "file:/missing.csv"],
        ["review", "apply", "rows.csv"],
        ["explain", "A"],
        ["erase", "--file", "rows.csv"],
        ["encode"],
        ["train"],
        ["runs", "--warehouse", "new"],
        ["nightly", "--run-date", "2026-01-31", "--warehouse", "catalogue.schema"],
    ],
    ids=" ".join,
)
def test_right_usage_starts_spark(words: list[str], place: Path) -> None:
    before = sorted(place.rglob("*"))
    warehouse = [] if "--warehouse" in words else ["--warehouse", "w"]
    result = CliRunner().invoke(app, [*words, *warehouse])
    assert (result.exit_code, "SparkStartedError" in result.stderr) == (1, True), result.stderr
    assert sorted(place.rglob("*")) == before


def test_a_path_is_left_to_spark_if_its_file_system_is_configured(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(place))
    result = CliRunner().invoke(app, ["ingest", "missing.csv", "--warehouse", "w"])
    assert "SparkStartedError" in result.stderr


def test_the_help_of_a_backfill_shows_which_options_belong_together() -> None:
    shown = CliRunner().invoke(app, ["backfill", "--help"]).stdout
    groups = {
        part.partition(":\n")[0].strip(): [word for word in part.split() if word.startswith("--")]
        for part in shown.split("\n\n")[-4:]
    }
    assert groups["Past dates"] == ["--from", "--to"]
    assert groups["An archive"] == ["--listings", "--out"]
    assert {"--apply", "--category", "--seller", "--ids"} <= set(groups["A part of today's catalogue"])
    assert {"--model", "--dry-run", "--warehouse", "--json"} <= set(groups["Options"])


def test_today_can_be_judged_and_the_model_is_looked_for_before_spark_starts(place: Path) -> None:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    words = ["backfill", "--from", today, "--to", today, "--model", "7", "--warehouse", "w"]
    result = CliRunner().invoke(app, words)
    assert "there is no version '7'" in result.stderr
    assert not (place / "w" / "_lock").exists()
