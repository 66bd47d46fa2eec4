"""**catalog_cleaner_retrain** trains the model anew, every Sunday at 06:00 UTC.

**You were woken because a training failed.** The nights go on with the present champion, so this can wait for the
morning. A model that is not better than the champion is no failure: it is registered and does not become champion.
The task's log ends with the command's own sentence and its exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failed, no model registered | read the sentence; clear the task once the cause is gone |
| 2 | wrong usage or settings | put right the Variables below; the sentence lists every fault |
| 3 | a gate or limit refused | probably a broken delivery: ingest a good one, then clear the task |

Clearing the task trains again from the tables as they are then; a registered model is never overwritten.
`catalog-cleaner models list` shows the models, `catalog-cleaner runs` the trainings and how they ended.

**For another date:** trigger with the parameter `run_date`. Left empty, it is the date of the scheduled moment, or
of the trigger where there is none.

**Set up once:** as `catalog_cleaner_nightly`: the same pool, the same Variables. The pool's one slot makes the night
wait for a training that is at work, and the other way round.
"""

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

with DAG(
    dag_id="catalog_cleaner_retrain",
    description="Trains a model, which becomes champion if it is better.",
    doc_md=__doc__,
    schedule="0 6 * * 0",
    start_date=dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
    tags=["catalog-cleaner"],
    params={
        "run_date": Param(
            None,
            type=["null", "string"],
            format="date",
            description="The date for which the run is; empty: the date of the scheduled moment.",
        )
    },
    default_args={
        "owner": "catalogue",
        "pool": "catalog_cleaner",
        "retries": 1,
        "retry_delay": dt.timedelta(minutes=30),
        "execution_timeout": dt.timedelta(hours=12),
    },
) as dag:
    BashOperator(
        task_id="train",
        # Values reach the shell as variables, never as text of the command.
        bash_command='exec $COMMAND train --run-date "$RUN_DATE" --warehouse "$WAREHOUSE" $OPTIONS',
        env={
            "COMMAND": "{{ var.value.get('catalog_cleaner_command', 'catalog-cleaner') }}",
            "OPTIONS": "{{ var.value.get('catalog_cleaner_options', '') }}",
            "WAREHOUSE": "{{ var.value.catalog_cleaner_warehouse }}",
            # A manual or asset-triggered run may have no logical date.
            "RUN_DATE": "{{ params.run_date or (dag_run.logical_date or dag_run.run_after) | ds }}",
        },
        append_env=True,
        do_xcom_push=False,
    )
