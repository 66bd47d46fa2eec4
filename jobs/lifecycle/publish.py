"""Publishing over several tables: facts in the run's slice, state written whole, the run's row last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.tables import Warehouse
from schemas.tables import PREDICTIONS, TABLES, Table

_AT_ONCE = 4
"""Tables written at the same time."""


@dataclass(frozen=True)
class Slice:
    """Whose rows they are."""

    job: str
    run_id: str
    run_date: dt.date

    def stamp(self, rows: DataFrame) -> DataFrame:
        """Add job, run_id and run_date."""
        return rows.withColumns(
            {"job": F.lit(self.job), "run_id": F.lit(self.run_id), "run_date": F.lit(self.run_date)}
        )


def publish(warehouse: Warehouse, mine: Slice, rows: Mapping[str, DataFrame]) -> None:
    """Write a run's tables. Nothing is published until its row in `runs` is there.

    Args:
        warehouse: where to.
        mine: the run.
        rows: table name -> rows, all of them; facts replace the run's slice, states are written whole.
    """

    def write(name: str) -> None:
        table, frame = TABLES[name], mine.stamp(rows[name])
        if table.kind == "fact":
            warehouse.replace_slice(table, frame, mine.job, mine.run_date)
        else:
            warehouse.overwrite(table, frame)

    # Most of a small table's write is waiting for one task or one file after the other.
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="publish") as pool:
        for done in [pool.submit(write, name) for name in rows]:
            done.result()
    if PREDICTIONS.name in rows and not rows[PREDICTIONS.name].isEmpty():
        _end_superseded(warehouse, mine, rows[PREDICTIONS.name], PREDICTIONS)


def _end_superseded(warehouse: Warehouse, mine: Slice, scored: DataFrame, table: Table) -> None:
    """Remove the predictions of a listing's former content, which other slices hold."""
    own = f"(old.job = '{mine.job}' AND old.run_date = DATE'{mine.run_date:%Y-%m-%d}')"
    same = "old.listing_id = new.listing_id AND old.model_version = new.model_version"
    keys = scored.select("listing_id", "model_version").alias("new")
    warehouse.table(table).alias("old").merge(keys, f"{same} AND NOT {own}").whenMatchedDelete().execute()
