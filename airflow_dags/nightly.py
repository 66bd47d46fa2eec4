"""**catalog_cleaner_nightly** cleans the catalogue, every night at 02:30 UTC.

**You were woken because a night failed.** Nothing half-done was published: readers still see the last good night.
The task's log ends with the command's own sentence and its exit code:

| exit code | meaning | what to do |
|---|---|---|
| 1 | failed, nothing published | read the sentence; clear the task once the cause is gone |
| 2 | wrong usage or settings | put right the Variables below; the sentence lists every fault |
| 3 | a gate or limit refused to publish | probably a broken delivery: ingest a good one, then clear the task |

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

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

with DAG(
    dag_id="catalog_cleaner_nightly",
    description="Cleans the catalogue and publishes it.",
    doc_md=__doc__,
    schedule="30 2 * * *",
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
        "retries": 2,
        "retry_delay": dt.timedelta(minutes=10),
        "execution_timeout": dt.timedelta(hours=6),
    },
) as dag:
    BashOperator(
        task_id="nightly",
        # Values reach the shell as variables, never as text of the command.
        bash_command='exec $COMMAND nightly --run-date "$RUN_DATE" --warehouse "$WAREHOUSE" $OPTIONS',
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
