"""Publishes a run: replaces its slice of fact tables, overwrites state tables and records the run last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lifecycle.publications import publications, replaced_by
from jobs.warehouse.signing import every_write_committed
from jobs.warehouse.tables import Warehouse
from schemas.tables import CORRECTIONS, PREDICTIONS, TABLES, Table

_WRITERS = 4
"""Number of tables that are written in parallel."""


@dataclass(frozen=True)
class Slice:
    """The rows of a run in a fact table."""

    job: str
    run_id: str
    run_date: dt.date

    def stamp(self, rows: DataFrame) -> DataFrame:
        """Add the columns job, run_id and run_date."""
        return rows.withColumns(
            {"job": F.lit(self.job), "run_id": F.lit(self.run_id), "run_date": F.lit(self.run_date)}
        )


def publish(warehouse: Warehouse, own: Slice, rows: Mapping[str, DataFrame]) -> None:
    """Write a run's tables. They are published only when the run's row in `runs` is written.

    Args:
        warehouse: the warehouse to write to.
        own: the run.
        rows: table name -> all rows. The rows of a fact table replace the run's slice, those of a state table replace
            the whole table, and may name the run that has decided them. Other published runs of the same job and date
            stay in the slice, except a night's, which is run again. Of a night that was taken back, the events of
            corrections stay: those of the revert follow them.
    """
    published = publications(warehouse, ended=True)
    same = [run for run in published if (run.job, run.run_date) == (own.job, own.run_date)]
    replaced = replaced_by(published, own.job, own.run_date)
    taken_back = [run.run_id for run in same if run not in replaced]
    standing = [] if own.job == "nightly" else [run.run_id for run in same]

    def write(name: str) -> None:
        table, frame = TABLES[name], rows[name]
        if table.kind == "fact" or "run_id" not in frame.columns:
            frame = own.stamp(frame)
        if table.kind == "fact":
            kept = taken_back if table == CORRECTIONS and own.job == "nightly" else standing
            warehouse.replace_slice(table, frame, own.job, own.run_date, standing=kept)
        else:
            warehouse.overwrite(table, frame)

    # Writing a small table mostly means waiting for one task or file after another.
    with every_write_committed(warehouse.spark), ThreadPoolExecutor(_WRITERS, thread_name_prefix="publish") as pool:
        for done in [pool.submit(write, name) for name in rows]:
            done.result()
    if PREDICTIONS.name in rows and not rows[PREDICTIONS.name].isEmpty():
        _delete_superseded(warehouse, own, rows[PREDICTIONS.name], PREDICTIONS)


def _delete_superseded(warehouse: Warehouse, own: Slice, scored: DataFrame, table: Table) -> None:
    """Delete other runs' predictions of the model for the listings that this run has scored."""
    same = "old.listing_id = new.listing_id AND old.model_version = new.model_version"
    keys = scored.select("listing_id", "model_version").alias("new")
    other = f"old.run_id <> '{own.run_id}'"
    warehouse.table(table).alias("old").merge(keys, f"{same} AND {other}").whenMatchedDelete().execute()
