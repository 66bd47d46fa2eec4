"""Writes the table features."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lifecycle.run_context import RunContext
from schemas.tables import FEATURES


def store_features(run: RunContext, identity: str, rows: DataFrame) -> int:
    """Store the vectors and statuses of pictures; rows that are already there are replaced.

    The warehouse must be locked.

    Args:
        run: the run.
        identity: the encoder's identity.
        rows: the columns of `udfs.picture_features.COLUMNS`; at most one row per listing_id and content_hash.

    Returns:
        The number of rows.
    """
    warehouse = run.job.warehouse
    new = rows.withColumns(
        {
            "encoder": F.lit(identity),
            "encoded_at": F.lit(run.job.started_at),
            "superseded_at": F.lit(None).cast("timestamp"),
        }
    )
    stage = f"{run.run_id}-features"
    same = " AND ".join(f"old.{name} = new.{name}" for name in FEATURES.key)
    try:
        staged = warehouse.stage(stage, new)  # a merge would compute the rows twice
        merge = warehouse.table(FEATURES).alias("old").merge(staged.alias("new"), same)
        # A row that is already there is that of a picture that could not be read.
        result = merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute().first()
    finally:
        warehouse.unstage(stage)
    return 0 if result is None else int(result.num_affected_rows)
