"""The schedule: `catalog_cleaner_nightly` cleans the catalogue, `catalog_cleaner_retrain` trains a new model."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

_FINAL = (2, 3)
"""Exit codes that a retry cannot change: invalid usage or settings, refused by a gate or limit."""


class CommandOperator(BashOperator):  # type: ignore[misc]  # Airflow is installed in a separate environment
    """Runs a command. The task is retried only if a retry can succeed."""

    def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's own types
        """Run the command.

        Raises:
            AirflowFailException: the command ended with an exit code in `_FINAL`; the task fails without a retry.
            AirflowException: the command failed with another exit code; the task is retried.
        """
        try:
            return super().execute(context)
        except AirflowException as error:
            if any(f"exit code {code}." in str(error) for code in _FINAL):
                raise AirflowFailException(str(error)) from error
            raise


NIGHTLY = """**catalog_cleaner_nightly** cleans the catalogue, every night at 02:30 UTC.

**You were woken because a nightly run failed.** Nothing was published, so readers still see the last successful run.
The task's log ends with an error message and the exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failure, nothing was published; retried twice | read the message; clear the task when the cause is fixed |
| 2 | invalid usage or settings; not retried | correct the Variables below; the message lists every error |
| 3 | refused by a gate, nothing published; not retried | probably a bad delivery: ingest a good one, clear the task |
| 3 | refused by a limit on changes, nothing published; not retried | if the changes are right, see below |

Rerunning a date is safe: the run reads the same model and table versions and replaces only its own rows. A date cannot
be run once a later one is published; this loses nothing, because the later run has processed the same catalogue. A
missed night only causes a delay: the next run processes everything that has changed.

**A limit on changes was exceeded:** the message names each, as `limits.NAME`, and what would change most. Look at it
with `catalog-cleaner nightly --run-date DATE --dry-run`. If it is right, trigger the DAG with the parameters `run_date`
and `accept_changes`, which publishes it this once. If it is not, the message says what to do.

**To run another date:** trigger the DAG with the parameter `run_date`. The default is the date of the schedule, or of
the trigger for manual runs.

**Set up once:** the pool, which prevents two jobs from writing to one warehouse at the same time
(`airflow pools set catalog_cleaner 1 "writes to the warehouse"`), and the Variables

| Variable | meaning | default |
|---|---|---|
| `catalog_cleaner_warehouse` | the warehouse | none: the task fails without it |
| `catalog_cleaner_command` | command to run; `spark-submit ... jobs/cli.py` on a cluster | `catalog-cleaner` |
| `catalog_cleaner_options` | further options, e.g. `--profile cluster` | none |
"""

RETRAIN = """**catalog_cleaner_retrain** trains a new model, every Sunday at 06:00 UTC.

**You were woken because a training failed.** Nightly runs continue with the current champion, so this can wait until
the morning. It is not a failure if the new model is not better than the champion: it is registered but not promoted.
The task's log ends with an error message and the exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failure, no model was registered; retried once | read the message; clear the task when the cause is fixed |
| 2 | invalid usage or settings; not retried | correct the Variables below; the message lists every error |

Clearing the task trains again with the current tables; a registered model is never overwritten.
`catalog-cleaner models list` shows the models, `catalog-cleaner runs` the trainings and how they ended.

**To run another date:** trigger the DAG with the parameter `run_date`. The default is the date of the schedule, or of
the trigger for manual runs.

**Set up once:** the same pool and Variables as for `catalog_cleaner_nightly`. The pool has one slot, so a nightly run
waits for a training in progress, and the other way round.
"""

RUN_DATE = {
    "run_date": Param(
        None,
        type=["null", "string"],
        format="date",
        description="Date of the run; default: the date of the schedule.",
    )
}

ACCEPT_CHANGES = {
    "accept_changes": Param(
        False,
        type="boolean",
        description="Publish although a limit on changes is exceeded; `runs` records who accepted it.",
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
}


def run_command(command: str, words: str = "", **limits: Any) -> CommandOperator:  # noqa: ANN401 - whatever Airflow takes
    """Make a task that runs a command for the run date.

    Args:
        command: name of the command and of the task.
        words: further words of the command, a template.
        limits: retries, retry_delay and execution_timeout.
    """
    return CommandOperator(
        task_id=command,
        # Values are passed as environment variables, so that the shell never interprets them.
        bash_command=f'exec $COMMAND {command} --run-date "$RUN_DATE" --warehouse "$WAREHOUSE" $OPTIONS{words}',
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
    params=RUN_DATE | ACCEPT_CHANGES,
    **SHARED,
) as nightly:
    run_command(
        "nightly",
        "{{ ' --accept-changes' if params.accept_changes else '' }}",
        retries=2,
        retry_delay=dt.timedelta(minutes=10),
        execution_timeout=dt.timedelta(hours=6),
    )

with DAG(
    dag_id="catalog_cleaner_retrain",
    description="Trains a model, which becomes champion if it is better.",
    doc_md=RETRAIN,
    schedule="0 6 * * 0",
    params=RUN_DATE,
    **SHARED,
) as retrain:
    run_command("train", retries=1, retry_delay=dt.timedelta(minutes=30), execution_timeout=dt.timedelta(hours=12))
