"""The schedule: `catalog_cleaner_nightly` cleans the catalogue, `catalog_cleaner_retrain` trains a new model."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

_FINAL = (2, 3)
"""Exit codes after which another try cannot help: wrong usage or settings, refused by a gate or limit."""


class CommandOperator(BashOperator):  # type: ignore[misc]  # Airflow lives in an environment of its own
    """Runs a command; retries only what may succeed the next time."""

    def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's own types
        """Run the command.

        Raises:
            AirflowFailException: it ended with an exit code of `_FINAL`: the task fails without a retry.
            AirflowException: it failed otherwise: the task is retried.
        """
        try:
            return super().execute(context)
        except AirflowException as error:
            if any(f"exit code {code}." in str(error) for code in _FINAL):
                raise AirflowFailException(str(error)) from error
            raise


NIGHTLY = """**catalog_cleaner_nightly** cleans the catalogue, every night at 02:30 UTC.

**You were woken because a night failed.** Nothing half-done was published: readers still see the last good night.
The task's log ends with the command's own sentence and its exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failed, nothing published; retried twice | read the sentence; clear the task once the cause is gone |
| 2 | wrong usage or settings; not retried | correct the Variables below; the sentence lists every fault |
| 3 | a gate or limit refused to publish; not retried | probably a bad delivery: ingest a good one, clear the task |

A rerun of a date is safe: it takes the same model and table versions and replaces only its own rows. A date is
refused once a later one is published; nothing is lost then, the later night has judged the same catalogue.
A day without a night costs only delay: the next one picks up everything that has changed.

**For another date:** trigger with the parameter `run_date`. Left empty, it is the date of the scheduled moment, or
of the trigger where there is none.

**Set up once:** the pool, which keeps two jobs from writing to one warehouse at a time
(`airflow pools set catalog_cleaner 1 "writes to the warehouse"`), and the Variables

| Variable | meaning | default |
|---|---|---|
| `catalog_cleaner_warehouse` | the warehouse | none: the task fails without it |
| `catalog_cleaner_command` | what is submitted; `spark-submit ... jobs/cli.py` on a cluster | `catalog-cleaner` |
| `catalog_cleaner_options` | further options, e.g. `--profile cluster` | none |
"""

RETRAIN = """**catalog_cleaner_retrain** trains the model anew, every Sunday at 06:00 UTC.

**You were woken because a training failed.** The nights go on with the present champion, so this can wait for the
morning. A model that is not better than the champion is no failure: it is registered and does not become champion.
The task's log ends with the command's own sentence and its exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failed, no model registered; retried once | read the sentence; clear the task once the cause is gone |
| 2 | wrong usage or settings; not retried | correct the Variables below; the sentence lists every fault |
| 3 | a gate or limit refused; not retried | probably a broken delivery: ingest a good one, then clear the task |

Clearing the task trains again from the tables as they are then; a registered model is never overwritten.
`catalog-cleaner models list` shows the models, `catalog-cleaner runs` the trainings and how they ended.

**For another date:** trigger with the parameter `run_date`. Left empty, it is the date of the scheduled moment, or
of the trigger where there is none.

**Set up once:** as `catalog_cleaner_nightly`: the same pool, the same Variables. The pool's one slot makes the night
wait for a training that is at work, and the other way round.
"""

RUN_DATE = {
    "run_date": Param(
        None,
        type=["null", "string"],
        format="date",
        description="The date for which the run is; empty: the date of the scheduled moment.",
    )
}

ENVIRONMENT = {
    "COMMAND": "{{ var.value.get('catalog_cleaner_command', 'catalog-cleaner') }}",
    "OPTIONS": "{{ var.value.get('catalog_cleaner_options', '') }}",
    "WAREHOUSE": "{{ var.value.catalog_cleaner_warehouse }}",
    # A manual or asset-triggered run may have no logical date.
    "RUN_DATE": "{{ params.run_date or (dag_run.logical_date or dag_run.run_after) | ds }}",
}

SHARED: dict[str, Any] = {
    "start_date": dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
    "catchup": False,
    "max_active_runs": 1,
    "tags": ["catalog-cleaner"],
    "params": RUN_DATE,
}


def run_command(command: str, **limits: Any) -> CommandOperator:  # noqa: ANN401 - whatever Airflow takes
    """The task that runs a command for the run date.

    Args:
        command: of the program; the task's name.
        limits: retries, retry_delay and execution_timeout.
    """
    return CommandOperator(
        task_id=command,
        # Values reach the shell as variables, never as text of the command.
        bash_command=f'exec $COMMAND {command} --run-date "$RUN_DATE" --warehouse "$WAREHOUSE" $OPTIONS',
        env=ENVIRONMENT,
        append_env=True,
        do_xcom_push=False,
        owner="catalogue",
        pool="catalog_cleaner",
        **limits,
    )


with DAG(
    dag_id="catalog_cleaner_nightly",
    description="Cleans the catalogue and publishes it.",
    doc_md=NIGHTLY,
    schedule="30 2 * * *",
    **SHARED,
) as nightly:
    run_command("nightly", retries=2, retry_delay=dt.timedelta(minutes=10), execution_timeout=dt.timedelta(hours=6))

with DAG(
    dag_id="catalog_cleaner_retrain",
    description="Trains a model, which becomes champion if it is better.",
    doc_md=RETRAIN,
    schedule="0 6 * * 0",
    **SHARED,
) as retrain:
    run_command("train", retries=1, retry_delay=dt.timedelta(minutes=30), execution_timeout=dt.timedelta(hours=12))
