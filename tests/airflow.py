"""An Airflow for the tests of the DAGs: SQLite, no examples, everything in one folder, no process left running."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.programs import guarded

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv-airflow" / "bin"
# A failed task waits ten minutes for its retry; the tests do not.
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Airflow:
    """Calls Airflow.

    Attributes:
        folder: its home; `record` in it is where a recording command writes.
        commands: a folder that comes first on the PATH.
        warehouse: the Variable of that name; None: it is not set.
        options: the Variable of further options.
    """

    folder: Path
    commands: Path
    warehouse: str | None
    options: str = "--profile test"

    def run(self, *words: str, **variables: str) -> str:
        """Run an `airflow` command and return its output. Raises CalledProcessError if it fails."""
        return self._call([BIN / "airflow", *words], variables)

    def python(self, code: str) -> str:
        """Run code in Airflow's Python and return its output."""
        return self._call([BIN / "python", "-W", "ignore", "-c", code], {})

    def _call(self, command: list[str | Path], variables: dict[str, str]) -> str:
        if not BIN.is_dir():
            pytest.skip("`make test-airflow` makes the environment that this needs")
        # As on a real scheduler, Python finds only Airflow and the DAG files, not the project.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        environment |= {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow_dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW_VAR_CATALOG_CLEANER_OPTIONS": self.options,
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "RECORD": str(self.folder / "record"),
            "NO_COLOR": "1",
            **variables,
        }
        if self.warehouse is not None:
            environment["AIRFLOW_VAR_CATALOG_CLEANER_WAREHOUSE"] = self.warehouse
        # With a pipe, reading would last until all child processes end, and a timeout could not stop it.
        log = self.folder / "output"
        try:
            with guarded() as mark, log.open("wb") as out:
                done = subprocess.run(
                    [str(word) for word in command],
                    cwd=self.folder,
                    env=environment | mark,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    timeout=_TIMEOUT_SECONDS,
                    check=False,
                )
        except subprocess.TimeoutExpired as late:
            late.add_note(log.read_text(encoding="utf-8")[-5000:])
            raise
        output = log.read_text(encoding="utf-8")
        if done.returncode:
            failure = subprocess.CalledProcessError(done.returncode, done.args, output=output)
            failure.add_note(output[-5000:])
            raise failure
        return output
