"""Makes ids that are numbers the same in all deliveries, however the numbers are written."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingestion.steps.ids import id_forms, with_point, without_point


def unify_ids(staged: DataFrame, stored: DataFrame | None = None) -> DataFrame:
    """Write `123.0` as 123 if all ids of a delivery are numbers. A listing that is stored as `123.0` keeps its id.

    Args:
        staged: the staged delivery.
        stored: the stored listings; None: there are none to be found again.

    Returns:
        The delivery; as it was unless an id had to change.
    """
    forms = id_forms(staged).collect()[0]
    if not forms.all_numbers:
        return staged
    rows = staged.withColumn("listing_id", without_point(F.col("listing_id"))) if forms.any_point else staged
    known = None if stored is None else with_point(stored.select("listing_id"))
    if stored is None or known is None or known.isEmpty():
        return rows
    # A listing that is stored in both forms stays two listings.
    known = known.join(stored.select("listing_id"), "listing_id", "left_anti")
    known = known.groupBy("listing_id").agg(F.min("stored").alias("stored"))
    named = rows.join(known, "listing_id", "left")
    return named.withColumn("listing_id", F.coalesce("stored", "listing_id")).select(*staged.columns)
