"""Runs every command of the README, unchanged and in order, but on a small catalogue and in another folder.

`make` runs in the checkout, its variables set by the environment; all else runs in a folder where the checkout's
programs are, so that relative paths lead to warehouses of its own. `--profile test` keeps the training short.

`make demo`, the first `catalog-cleaner` and `spark-submit` are processes of their own. The other commands run in the
session of the tests, with absolute paths: Spark has been compiled there before, and in a process of its own each takes
four times as long.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from conf.load import load_settings
from jobs.cli import app
from jobs.store import read_published
from jobs.warehouse.tables import open_warehouse
from schemas.tables import RUNS
from tests.end_to_end.conftest import LISTINGS
from tests.end_to_end.standalone import Cluster, jars
from tests.programs import guarded

pytestmark = [pytest.mark.end_to_end, pytest.mark.cluster, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line
]
_CLI = ".venv/bin/catalog-cleaner"
_PATHS = ("demo-warehouse", "my-warehouse", "decisions.csv")
_IN_A_SHELL = next(command for command in COMMANDS if command.startswith(_CLI))
# The start of a command, and a part of its output that shows its success.
KNOWN = {
    "make demo": (r"generated catalogue, cleaned", rf"listings +{LISTINGS}\b", r"wrong after +\d", r"corrected +[1-9]"),
    f"{_CLI} report --warehouse demo-warehouse --html": (r"html +report\.html", r"in a wrong category before"),
    f"{_CLI} ingest": (r"Listings loaded", rf"\blistings +{LISTINGS}\b", r"run id +ingest-"),
    f"{_CLI} train": (r"Model 1 trained: it is the new champion",),
    f"{_CLI} nightly --warehouse my-warehouse --run-date 2026-11-23": (
        r"Catalogue cleaned for 2026-11-23",
        rf"rows current +{LISTINGS}\b",
    ),
    f"{_CLI} report --warehouse my-warehouse": (r"Catalogue of 2026-11-23", rf"\blistings +{LISTINGS}\b"),
    f"{_CLI} runs": (r"nightly-2026-11-23-\w{6} +published", r"train-\S+ +done", r"ingest-\S+ +done"),
    f"{_CLI} models list": (r"models known +1\b", r"champion +1\b"),
    f"{_CLI} explain": (r"Listing D0000002: shown ", r"delivered +Delivered: ", r"judged +Model 1 says "),
    f"{_CLI} nightly --warehouse my-warehouse --run-date 2026-11-24 --dry-run": (
        r"Dry run for 2026-11-24: nothing published",
        rf"rows unchanged +{LISTINGS}\b",
    ),
    "printf 'listing_id,decision,category,reviewer,decided_at": (),
    f"{_CLI} review apply": (r"Decisions loaded", r"rows current +1\b", r"set_category +1\b"),
    "make package": (r"dist/catalog-cleaner\.zip",),
    ".venv/bin/spark-submit": (r"Catalogue cleaned for 2026-11-25", rf"rows unchanged +{LISTINGS}\b"),
    "make help": (r"demo +generate a catalogue", r"test +run everything"),
    "make lint": (r"All checks passed", r"already formatted", r"no issues found", r"KEPT"),
}
_SECONDS = 1500
_RUN = ("run_id", "run_date")
_COMPARED_WITH_OTHERS = ("quality_score", "quality_price")
"""They also depend on the prices of the category's other listings, and so on what is decided on those."""


@dataclass(frozen=True)
class Place:
    """The folder and the environment variables of a reader of the README."""

    folder: Path
    environment: dict[str, str]
    cluster: Cluster

    def run(self, command: str) -> str:
        """Run a command and return its output; raises if the exit code is not 0."""
        inside = command.startswith(_CLI) and command != _IN_A_SHELL
        return self._run_inside(command) if inside else self._run_in_a_shell(command)

    def _run_inside(self, command: str) -> str:
        # The session's own working directory is another one.
        words = [
            str(self.folder / word) if word.startswith(_PATHS) else word
            for word in shlex.split(command.removeprefix(_CLI))
        ]
        done = CliRunner().invoke(app, [*words, "--profile", "test"], env={"COLUMNS": self.environment["COLUMNS"]})
        assert done.exit_code == 0, f"{command} ended with {done.exit_code}: {done.output[-5000:]}\n{done.exception!r}"
        return done.output

    def _run_in_a_shell(self, command: str) -> str:
        making = command.startswith("make ")
        log = self.folder / "output"
        # With a pipe, reading would last until all child processes end, and a timeout could not stop it.
        with log.open("wb") as out:
            done = subprocess.run(
                ["bash", "-c", f"{command} --profile test" if command.startswith(_CLI) else command],
                cwd=ROOT if making else self.folder,
                env=self._submitting() if "spark-submit" in command else self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        output = log.read_text(encoding="utf-8")
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {output[-5000:]}"
        return output

    def _submitting(self) -> dict[str, str]:
        """The environment variables that the README requires, and the cluster's configuration."""
        ours = {"SPARK_MASTER": self.cluster.master, "DELTA_JARS": jars()}
        return self.cluster.environment | {"COLUMNS": self.environment["COLUMNS"]} | ours


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reader")
    for name in (".venv", "jobs", "dist"):
        (folder / name).symlink_to(ROOT / name)
    foreign = ("MAKE", "MFLAGS", "PYTHON", "PYSPARK", "SPARK", "VIRTUAL_ENV")
    with guarded() as mark:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment |= mark | {
            "COLUMNS": "160",
            "LISTINGS": str(LISTINGS),
            "PROFILE": "test",
            "WAREHOUSE": str(folder / "demo-warehouse"),
        }
        yield Place(folder, environment, cluster)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_succeeds(command: str, place: Place) -> None:
    known = [start for start in KNOWN if command.startswith(start)]
    assert len(known) == 1, f"it is not known how to run it and what it must show: {command}"
    output = place.run(command)
    assert [pattern for pattern in KNOWN[known[0]] if not re.search(pattern, output)] == [], output


def test_every_expected_command_is_in_the_readme() -> None:
    assert [start for start in KNOWN if not any(command.startswith(start) for command in COMMANDS)] == []


def test_the_commands_have_the_documented_results(place: Place, spark: SparkSession) -> None:
    assert len(re.findall(r"<img\b[^>]* src=\"data:image/", (place.folder / "report.html").read_text())) > 5
    with zipfile.ZipFile(ROOT / "dist" / "catalog-cleaner.zip") as package:
        packed = set(package.namelist())
    assert {"jobs/nightly.py", "conf/cluster.yaml", "udfs/classify.py"} <= packed
    assert not any(name.startswith("catalogue_generator/") for name in packed)
    warehouse = open_warehouse(spark, str(place.folder / "my-warehouse"))
    runs = warehouse.read(RUNS).orderBy("finished_at").collect()
    assert [run.job for run in runs] == ["ingest", "train", "nightly", "review", "nightly"]
    nights = [run.run_id for run in runs if run.status == "published"]
    assert [night[:18] for night in nights] == ["nightly-2026-11-23", "nightly-2026-11-25"]
    # Only one decision changed between the two nights; all other results of the cluster must be the same.
    clean = [
        read_published(warehouse, "clean_listings", run_id).drop(*_RUN, *_COMPARED_WITH_OTHERS) for run_id in nights
    ]
    first, second = ({row.listing_id: row for row in rows.collect()} for rows in clean)
    assert len(first) == LISTINGS
    decided = second.pop("D0000002")
    assert (decided.effective_category, decided.category_source) == ("sneakers", "reviewer")
    assert second == {listing: row for listing, row in first.items() if listing != decided.listing_id}


def test_make_targets_and_options_in_the_text_exist() -> None:
    """The make targets and options that are named outside code blocks."""
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    targets = set(re.findall(r"`make ([a-z-]+)`", prose))
    assert "test" in targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
    (example,) = re.findall(r"`--set (ingest\.columns=[^`]+)`", prose)
    assert load_settings("local", shlex.split(example)).ingest.columns == {"title": "product_name"}
