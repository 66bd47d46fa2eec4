"""An Airflow of its own for the DAGs' tests: SQLite, no examples, everything in one folder, nothing left running."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv-airflow" / "bin"
# A failed task waits ten minutes for its retry: the test need not.
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Airflow:
    """How Airflow is called.

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
        """Run an `airflow` command; its output. Raises CalledProcessError where it fails."""
        return self._call([BIN / "airflow", *words], variables)

    def python(self, code: str) -> str:
        """Run code in Airflow's Python; its output."""
        return self._call([BIN / "python", "-W", "ignore", "-c", code], {})

    def _call(self, command: list[str | Path], variables: dict[str, str]) -> str:
        if not BIN.is_dir():
            pytest.skip("`make test-airflow` makes the environment that this needs")
        # Nothing of ours is importable: the scheduler's Python sees Airflow and the DAG files alone.
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
        started = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = started.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as late:
            # Airflow starts each task in a session of its own.
            for process in [*psutil.Process(started.pid).children(recursive=True), started]:
                process.kill()
            output, _ = started.communicate()
            late.add_note(output[-5000:])
            raise
        if started.returncode:
            failure = subprocess.CalledProcessError(started.returncode, started.args, output=output)
            failure.add_note(output[-5000:])
            raise failure
        return output
