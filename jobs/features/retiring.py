"""Marks the vectors that are no longer needed, and deletes them after a while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from pyspark.sql import functions as F

from jobs.features.steps.selection import Change, outdated
from jobs.lifecycle.run_context import RunContext
from schemas.tables import FEATURES, LISTINGS


def retire_features(run: RunContext, in_use: Collection[str], *, others: bool) -> dict[str, int]:
    """Mark the vectors that are no longer needed, and delete those marked more than `features.keep_days` ago.

    Args:
        run: the run.
        in_use: identities of encoders whose vectors are needed.
        others: whether vectors of other encoders are no longer needed. A job that does not know all encoders in use
            passes false.

    Returns:
        Value of `Change` -> number of rows; changes that do not occur are left out.
    """
    job = run.job
    before = job.started_at - dt.timedelta(days=job.settings.features.keep_days)
    listings = job.warehouse.read(LISTINGS)
    changes = outdated(job.warehouse.read(FEATURES), listings, in_use, before, others=others)
    counts = {row.change: int(row["count"]) for row in changes.groupBy("change").count().collect()}
    if counts:
        with run.lock():
            same = " AND ".join(f"old.{name} = new.{name}" for name in FEATURES.key)
            merge = job.warehouse.table(FEATURES).alias("old").merge(changes.alias("new"), same)
            merge = merge.whenMatchedDelete(F.col("new.change") == Change.DELETE.value)
            marked = F.when(F.col("new.change") == Change.SUPERSEDE.value, F.lit(job.started_at))
            merge.whenMatchedUpdate(set={"superseded_at": marked}).execute()
    return counts
