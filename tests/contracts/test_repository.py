"""The repository: its folders, file sizes, packages, and the documents that are generated from code."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from schemas.tables import TABLES
from scripts import delta_jars, htmx, packages, spark_zip, tables_doc

ROOT = Path(__file__).parents[2]
SHIPPED = {"schemas", "conf", "udfs", "training", "jobs", "catalogue_generator"}
PRODUCT = SHIPPED | {"airflow_dags", "tests", "docs", "benchmarks", "dashboards"}
REPOSITORY = {".ci", "requirements", "scripts"}
LONGEST = 330
DECLARATIONS = {"schemas/tables.py"}  # splitting a list of columns would not make it clearer


def tracked() -> list[Path]:
    """The files in git, including untracked ones that are not ignored."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).is_file()]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what belongs to the repository cannot be told")
    return tracked()


def test_the_top_level_has_only_the_expected_folders(files: list[Path]) -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in files if path.parent != ROOT}
    assert folders - PRODUCT - REPOSITORY == set()
    assert {"schemas", "conf", "udfs", "training", "jobs", "airflow_dags", "tests", "docs"} <= folders


def test_required_files_exist() -> None:
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "setup.py", "pyproject.toml", ".ci/run"):
        assert (ROOT / name).is_file(), name
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def test_no_python_file_is_long(files: list[Path]) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files if path.suffix == ".py"
    }
    assert {path: n for path, n in lengths.items() if n > LONGEST and path not in DECLARATIONS} == {}


def test_every_lint_exception_names_its_rule(files: list[Path]) -> None:
    blanket = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:)|ruff:\s*noqa|mypy:)")
    found = [path for path in files if path.suffix == ".py" and path != Path(__file__)]
    assert [path for path in found if blanket.search(path.read_text())] == []


def test_tables_are_documented_as_they_are_declared() -> None:
    page = (ROOT / "docs" / "tables.md").read_text()
    assert page == tables_doc.render(), "run `make docs`"
    for table in TABLES.values():
        section = page.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
        assert re.findall(r"^\| (\w+) \| `", section, re.MULTILINE) == list(table.names)


def test_links_in_the_documents_are_valid(files: list[Path]) -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in files
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_locks_contain_the_required_packages() -> None:
    for name in ("runtime", "dev", "horovod", "encoders", "bootstrap", "airflow"):
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = packages.locked(ROOT / "requirements" / f"{name}.txt")
        asked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.in").read_text(), re.MULTILINE)
        assert {package: pinned[package] for package, _ in asked} == dict(asked)
        assert lock.count("--hash=sha256:") >= len(pinned)
        assert "://" not in lock


def test_the_locks_agree_with_each_other() -> None:
    runtime, dev, bootstrap = (
        packages.locked(ROOT / "requirements" / f"{name}.txt") for name in ("runtime", "dev", "bootstrap")
    )
    assert runtime.items() <= dev.items()
    assert bootstrap.items() <= dev.items()
    jars = delta_jars.LOCK.read_text()
    assert f"delta-spark_2.13-{runtime['delta-spark']}.jar" in jars


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, "."],
        cwd=_copy_of_the_sources(folder / "sources"),
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_contains_only_the_shipped_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "catalog-cleaner = jobs.cli:main" in archive.read(entry_points).decode()
    assert set(names) == _files_of(SHIPPED)
    page = "jobs/reviewing"
    assert {f"{page}/static/htmx.min.js", f"{page}/static/htmx.LICENSE.txt", f"{page}/words/fr.yaml"} <= set(names)


def test_the_zip_for_spark_submit_leaves_the_catalogue_generator_out(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "catalog-cleaner.zip"
    spark_zip.write_zip(wheel, target)
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == _files_of(SHIPPED - {"catalogue_generator"})
    # The command line must start without the generator, and the demo must say what is missing.
    code = "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['catalogue_generator'] = None; "
    code += "from jobs import cli, demo; print(cli.__file__); demo._load_generator()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, target], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == f"{target}/jobs/cli.py"
    assert "UsageError: the demo needs the package catalogue_generator" in done.stderr


def test_lint_covers_all_folders() -> None:
    """mypy checks all folders with Python files."""
    settings = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^files = \[(.*?)\]$", settings, re.MULTILINE | re.DOTALL)
    assert listed
    checked = set(yaml.safe_load(f"[{listed.group(1)}]"))
    holding = {path.relative_to(ROOT).parts[0] for path in tracked() if path.suffix == ".py"}
    assert holding <= checked


def _files_of(folders: set[str]) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _copy_of_the_sources(target: Path) -> Path:
    target.mkdir()
    fetched = sorted(htmx.FOLDER.glob("htmx*"))  # by `make setup`, not in git
    for path in [*tracked(), *fetched]:
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return target
