"""Publishes a run: replaces its slice of fact tables, overwrites state tables and records the run last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.tables import Warehouse
from schemas.tables import PREDICTIONS, TABLES, Table

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
            the whole table.
    """

    def write(name: str) -> None:
        table, frame = TABLES[name], own.stamp(rows[name])
        if table.kind == "fact":
            warehouse.replace_slice(table, frame, own.job, own.run_date)
        else:
            warehouse.overwrite(table, frame)

    # Writing a small table mostly means waiting for one task or file after another.
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="publish") as pool:
        for done in [pool.submit(write, name) for name in rows]:
            done.result()
    if PREDICTIONS.name in rows and not rows[PREDICTIONS.name].isEmpty():
        _delete_superseded(warehouse, own, rows[PREDICTIONS.name], PREDICTIONS)


def _delete_superseded(warehouse: Warehouse, own: Slice, scored: DataFrame, table: Table) -> None:
    """Delete the predictions of a listing's earlier content from the slices of other runs."""
    in_own_slice = f"(old.job = '{own.job}' AND old.run_date = DATE'{own.run_date:%Y-%m-%d}')"
    same = "old.listing_id = new.listing_id AND old.model_version = new.model_version"
    keys = scored.select("listing_id", "model_version").alias("new")
    warehouse.table(table).alias("old").merge(keys, f"{same} AND NOT {in_own_slice}").whenMatchedDelete().execute()
