"""The DAGs in a real Airflow: they parse, have the documented settings, and submit existing commands.

Airflow lives in `.venv-airflow`, which `make test` and `make test-airflow` make.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from jobs.cli import app
from tests.airflow import Airflow

pytestmark = pytest.mark.airflow

_DESCRIBE = """
import json
from airflow.models.dagbag import DagBag
bag = DagBag()
print(json.dumps({
    "errors": bag.import_errors,
    "dags": {
        dag.dag_id: {
            "schedule": dag.timetable.summary,
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "tags": sorted(dag.tags),
            "doc": dag.doc_md,
            "params": {name: dag.params.get_param(name).schema for name in dag.params},
            "tasks": {
                task.task_id: {
                    "owner": task.owner,
                    "pool": task.pool,
                    "retries": task.retries,
                    "limit": task.execution_timeout.total_seconds(),
                }
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    },
}))
"""
# The same as `airflow dags test`, for several runs with one start of Airflow.
_SUBMIT = """
import datetime as dt, json, os, pathlib
from airflow.models.dagbag import DagBag
from airflow.exceptions import ParamValidationError
bag, record, cases = DagBag(), pathlib.Path(os.environ["RECORD"]), {
    "given": ("catalog_cleaner_nightly", dt.datetime(2025, 1, 31, tzinfo=dt.UTC), {"run_date": "2024-02-29"}),
    "accepting": ("catalog_cleaner_nightly", dt.datetime(2025, 1, 31, tzinfo=dt.UTC), {"accept_changes": True}),
    "nonsense": ("catalog_cleaner_nightly", None, {"run_date": "today; rm -rf /"}),
    "triggered": ("catalog_cleaner_retrain", None, None),
}
said = {}
for case, (dag_id, logical_date, conf) in cases.items():
    record.unlink(missing_ok=True)
    try:
        bag.get_dag(dag_id).test(logical_date=logical_date, run_conf=conf)
        said[case] = record.read_text().splitlines()
    except ParamValidationError as error:
        said[case] = [str(error)] + (["submitted all the same"] if record.exists() else [])
print(json.dumps(said))
"""
_RECORDER = """#!/bin/sh
printf '%s\\n' "$@" > "$RECORD"
exit "${CODE:-0}"
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """An Airflow on SQLite in its own folder; its `catalog-cleaner` only records how it was called."""
    folder = tmp_path_factory.mktemp("airflow")
    command = folder / "bin" / "catalog-cleaner"
    command.parent.mkdir()
    command.write_text(_RECORDER)
    command.chmod(0o755)
    airflow = Airflow(folder, command.parent, warehouse="/data/my warehouse")
    airflow.run("db", "migrate")
    return airflow


@pytest.fixture(scope="module")
def described(airflow: Airflow) -> dict[str, Any]:
    lines = airflow.python(_DESCRIBE).splitlines()
    return dict(json.loads(lines[-1]))


@pytest.fixture(scope="module")
def submitted(airflow: Airflow) -> dict[str, list[str]]:
    """The recorded call of the command in each case, or the error."""
    lines = airflow.python(_SUBMIT).splitlines()
    return dict(json.loads(lines[-1]))


def accepted(words: list[str]) -> list[str]:
    """Check that the real command accepts a recorded call; returns its words."""
    group: Any = typer.main.get_command(app)
    group.commands[words[0]].make_context(words[0], words[1:])
    return words


def test_both_dags_parse(described: dict[str, Any]) -> None:
    assert described["errors"] == {}
    assert set(described["dags"]) == {"catalog_cleaner_nightly", "catalog_cleaner_retrain"}


@pytest.mark.parametrize(
    ("dag_id", "schedule", "task_id"),
    [("catalog_cleaner_nightly", "30 2 * * *", "nightly"), ("catalog_cleaner_retrain", "0 6 * * 0", "train")],
)
def test_the_settings_of_a_dag(described: dict[str, Any], dag_id: str, schedule: str, task_id: str) -> None:
    dag = described["dags"][dag_id]
    assert dag["schedule"] == schedule
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1
    assert dag["tags"] == ["catalog-cleaner"]
    assert dag["params"]["run_date"]["format"] == "date"
    (task,) = dag["tasks"].items()
    assert task[0] == task_id
    assert task[1]["owner"] == "catalogue"
    assert task[1]["pool"] == "catalog_cleaner"
    assert task[1]["retries"] >= 1
    assert 0 < task[1]["limit"] <= 12 * 3600
    for word in ("woken", "exit code", "pool", "catalog_cleaner_"):
        assert word in dag["doc"]


def test_the_night_is_submitted_with_the_logical_date(airflow: Airflow) -> None:
    output = airflow.run("dags", "test", "catalog_cleaner_nightly", "2025-01-31")
    assert "state=success" in output
    expected = ["nightly", "--run-date", "2025-01-31", "--warehouse", "/data/my warehouse", "--profile", "test"]
    assert accepted((airflow.folder / "record").read_text().splitlines()) == expected


def test_an_explicit_run_date_wins(submitted: dict[str, list[str]]) -> None:
    assert accepted(submitted["given"])[:3] == ["nightly", "--run-date", "2024-02-29"]


def test_changes_above_the_limits_are_accepted_only_by_the_parameter(submitted: dict[str, list[str]]) -> None:
    assert accepted(submitted["accepting"])[-1] == "--accept-changes"
    assert "--accept-changes" not in submitted["given"]


def test_an_invalid_run_date_is_refused_before_anything_is_submitted(submitted: dict[str, list[str]]) -> None:
    (refusal,) = submitted["nonsense"]
    assert "is not a 'date'" in refusal


def test_without_a_logical_date_it_is_the_date_of_the_trigger(submitted: dict[str, list[str]]) -> None:
    words = accepted(submitted["triggered"])
    assert words[:2] == ["train", "--run-date"]
    assert dt.datetime.now(dt.UTC).date() - dt.date.fromisoformat(words[2]) <= dt.timedelta(days=1)


@pytest.mark.parametrize(("code", "state"), [("1", "up_for_retry"), ("2", "failed"), ("3", "failed")])
def test_a_failed_command_is_retried_only_if_that_can_help(airflow: Airflow, code: str, state: str) -> None:
    output = airflow.run("tasks", "test", "catalog_cleaner_nightly", "nightly", "2025-01-31", CODE=code)
    assert f"non-zero exit code {code}" in output
    assert f"new_state={state}" in output


def test_a_missing_warehouse_is_named(airflow: Airflow) -> None:
    without = Airflow(airflow.folder, Path("/nonexistent"), warehouse=None)
    output = without.run("tasks", "test", "catalog_cleaner_nightly", "nightly", "2025-01-31")
    assert "Variable catalog_cleaner_warehouse not found" in output
    assert "new_state=up_for_retry" in output
