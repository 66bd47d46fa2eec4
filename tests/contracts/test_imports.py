"""The import contracts of pyproject.toml are kept, and a violation is found."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "conf", "udfs", "training", "jobs", "catalogue_generator", "airflow_dags")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--config", folder / "pyproject.toml", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_import_contracts_are_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


BREACHES = [
    ("schemas", "import conf.settings", "schemas import nothing of ours"),
    ("conf", "import schemas.tables", "conf imports nothing of ours"),
    ("udfs", "import conf.settings", "udfs import only schemas"),
    ("training", "import jobs.console.job", "training imports schemas, udfs and the settings' types"),
    ("training", "import conf.load", "only the commands' shared start loads settings"),
    ("jobs.cleaning.steps", "import conf.load", "only the commands' shared start loads settings"),
    ("airflow_dags", "import schemas.errors", "airflow_dags import nothing of ours, neither Spark nor TensorFlow"),
    ("airflow_dags", "import pyspark", "airflow_dags import nothing of ours, neither Spark nor TensorFlow"),
    ("jobs.cleaning", "import catalogue_generator.spec", "only the demo imports the catalogue generator"),
    ("catalogue_generator", "import udfs.text", "the catalogue generator imports only schemas"),
    ("jobs.warehouse", "import jobs.lifecycle.pins", "jobs import downwards, room by room"),
    ("jobs.ingestion", "import jobs.cleaning.gates", "jobs import downwards, room by room"),
    ("jobs.ingestion.steps", "import jobs.warehouse.tables", "pure steps import no reading or writing"),
    ("jobs", "import petastorm", "only training.dataset imports Petastorm"),
    ("jobs", "from horovod import spark", "only training.ranks imports Horovod"),
    ("jobs", "import mlflow.tracking", "only training.registry imports MLflow"),
    ("jobs", "import great_expectations", "only jobs.lifecycle.expectations imports Great Expectations"),
    ("training", "from delta.tables import DeltaTable", "only jobs.warehouse.tables imports Delta"),
    ("jobs.reviewing", "import fastapi.responses", "only jobs.reviewing.application imports FastAPI"),
    ("jobs", "import sqlite3", "only jobs.reviewing.database imports sqlite3"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Contract -> its report, for a copy of the code with one module for each violation."""
    copy = tmp_path_factory.mktemp("breached")
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for number, (package, breach, _) in enumerate(BREACHES):
        (copy / package.replace(".", "/") / f"breach_{number}.py").write_text(f"{breach}\n")
    result = lint(copy)
    assert result.returncode == 1
    said: dict[str, str] = {}
    contract = ""
    for line in result.stdout.partition("Broken contracts")[2].splitlines():
        contract = line if line in {title for _, _, title in BREACHES} else contract
        said[contract] = said.get(contract, "") + line + "\n"
    return said


@pytest.mark.parametrize("number", range(len(BREACHES)), ids=lambda number: " ".join(BREACHES[number][:2]))
def test_a_violation_is_found(broken: dict[str, str], number: int) -> None:
    package, _, contract = BREACHES[number]
    assert f"{package}.breach_{number} -> " in broken[contract]


def test_no_module_is_imported_by_a_string() -> None:
    """import-linter reads import statements only; just the ranks get the name of the function that they run."""
    hidden = {
        str(source.relative_to(ROOT))
        for package in PACKAGES
        for source in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"import_module", "__import__"}
    }
    assert hidden <= {"training/ranks.py"}


def test_the_contracts_cover_every_folder_of_the_product() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(settings["root_packages"]) == set(PACKAGES)
