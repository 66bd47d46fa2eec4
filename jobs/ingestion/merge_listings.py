"""Computes and writes the changes of a batch: groups, quarantine, listing_changes and listings.

listing_changes is written before listings. If a run is killed in between, the next run removes the entries of changes
that were not made. If it is killed after writing listings, the next run adds its row to `runs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.console.job import clock
from jobs.ingestion.groups import KEYS, assign_groups, bucket
from jobs.ingestion.steps.versions import Outcome
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import RunContext
from jobs.lifecycle.run_log import RunRecord, record
from jobs.warehouse.caches import cached
from jobs.warehouse.fetched import picture_prefixes
from jobs.warehouse.joins import broadcast_if_few
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.tables import LISTING_CHANGES, LISTINGS, QUARANTINE, RUNS
from udfs.near_duplicates import near_duplicate_keys
from udfs.titles import is_uninformative

_WITHDRAWN = "withdrawn"
_NEW_VALUES = (Outcome.INSERTED.value, Outcome.UPDATED.value)
"""Outcomes that write the values of a delivered row."""
_CHANGES = (*_NEW_VALUES, Outcome.RETURNED.value, _WITHDRAWN)


def repair_interrupted_ingests(run: RunContext) -> None:
    """Clean up after ingests that were killed while they wrote; see the description of this module."""
    warehouse = run.job.warehouse
    done = warehouse.read(RUNS).where((F.col("job") == "ingest") & (F.col("status") == "done"))
    unfinished = warehouse.read(LISTING_CHANGES).join(
        done.select(F.col("run_id").alias("delivery_id")), "delivery_id", "left_anti"
    )
    counts: dict[str, dict[str, int]] = {}
    for row in unfinished.groupBy("delivery_id", "change").count().collect():
        counts.setdefault(row.delivery_id, {})[row.change] = row["count"]
    for delivery, changes in sorted(counts.items()):
        if warehouse.read(LISTINGS).where(F.col("delivery_id") == delivery).isEmpty():
            run.job.print_progress(
                f"{delivery} was interrupted before it changed a listing: removing its entries from listing_changes"
            )
            warehouse.table(LISTING_CHANGES).delete(F.col("delivery_id") == delivery)
            continue
        known = warehouse.read(RUNS).where(F.col("run_id") == delivery).first()
        if known is None or known.status == "interrupted":
            run.job.print_progress(f"{delivery} was interrupted after it changed listings: adding its row to runs")
            warehouse.table(RUNS).delete(F.col("run_id") == delivery)
            record(warehouse, _late_record(run, delivery, changes, known))


def _late_record(run: RunContext, delivery: str, changes: dict[str, int], known: Row | None) -> RunRecord:
    """The row of an ingest that was killed after its changes were written.

    Args:
        run: the current run.
        delivery: run_id of the killed ingest.
        changes: change -> number of listings.
        known: its row with status `interrupted`; None if there is none. Then the dates of the current run are used.
    """
    now = clock()
    return RunRecord(
        run_id=delivery,
        job="ingest",
        run_date=run.run_date if known is None else known.run_date,
        status="done",
        settings_hash=run.job.settings.digest,
        counts=changes,
        started_at=now if known is None else known.started_at,
        finished_at=now,
        message="interrupted after its changes were written; the next ingest added this row",
    )


def stage_changes(
    warehouse: Warehouse,
    stage: str,
    delivered: DataFrame,
    outcomes: DataFrame,
    withdrawn: DataFrame | None,
    counts: Mapping[str, int],
    settings: Settings,
) -> DataFrame:
    """Compute the changes to listings, with the keys of new values and the groups of new listings, and stage them.

    Args:
        warehouse: the stored listings.
        stage: name of the staged table.
        delivered: the staged delivery.
        outcomes: row_number, listing_id, outcome.
        withdrawn: listing_id of the listings to withdraw; None: there are none.
        counts: change -> number of listings.
        settings: limits for reading pictures.

    Returns:
        listing_id, change, row_number (null for returned and withdrawn listings), title_key, image_key, group_id,
        bucket.
    """
    new_values = outcomes.where(F.col("outcome").isin(*_NEW_VALUES)).select("row_number", "outcome")
    with ExitStack() as at_end:
        prefixes = picture_prefixes(warehouse, settings)
        keyed = cached(_with_keys(_join_delivered(delivered, new_values, counts), settings, prefixes), at_end)
        return warehouse.stage(stage, _changes(keyed, warehouse.read(LISTINGS), outcomes, withdrawn))


def _changes(keyed: DataFrame, listings: DataFrame, outcomes: DataFrame, withdrawn: DataFrame | None) -> DataFrame:
    """The rows of `stage_changes`, not computed yet; `keyed` is the output of `_with_keys`."""
    inserted, updated = (keyed.where(F.col("outcome") == outcome) for outcome in _NEW_VALUES)
    stored = listings.select("listing_id", "group_id", *KEYS)
    others = stored.join(updated.select("listing_id"), "listing_id", "left_anti")
    others = others.unionByName(updated.select("listing_id", *KEYS).join(stored.drop(*KEYS), "listing_id"))
    groups = assign_groups(inserted.select("listing_id", *KEYS), others)
    with_values = keyed.join(groups, "listing_id", "left").withColumn("bucket", bucket(F.col("group_id")))
    without_values = outcomes.where(F.col("outcome") == Outcome.RETURNED.value).select("listing_id", "outcome")
    if withdrawn is not None:
        without_values = without_values.unionByName(withdrawn.select("listing_id", F.lit(_WITHDRAWN).alias("outcome")))
    changes = with_values.unionByName(without_values, allowMissingColumns=True).withColumnRenamed("outcome", "change")
    return changes.select("listing_id", "change", "row_number", "title_key", "image_key", "group_id", "bucket")


def _with_keys(rows: DataFrame, settings: Settings, prefixes: tuple[str, ...]) -> DataFrame:
    """row_number, outcome, listing_id and `KEYS`. Uninformative titles and blank pictures have no key."""
    picture = settings.picture
    keys = near_duplicate_keys(prefixes, settings.ingest.max_image_bytes, picture.max_pixels, picture.blank_deviation)
    rows = rows.withColumn("keys", keys(F.col("title"), F.col("image"), F.col("image_uri")))
    normalized = F.col("keys.normalized_title")
    is_informative = ~is_uninformative(F.col("title")) & ~is_uninformative(normalized) & normalized.isNotNull()
    return rows.select(
        "row_number",
        "outcome",
        "listing_id",
        F.when(is_informative, F.xxhash64(normalized)).alias("title_key"),
        F.col("keys.image_key").alias("image_key"),
        "image_hash",
    )


def _join_delivered(delivered: DataFrame, rows: DataFrame, counts: Mapping[str, int]) -> DataFrame:
    """Join delivered rows, which contain pictures, with other columns of new and updated listings by row_number."""
    new = sum(counts[outcome] for outcome in _NEW_VALUES)
    return delivered.join(broadcast_if_few(rows, new), "row_number")


def write_quarantine(warehouse: Warehouse, own: Slice, delivered: DataFrame) -> None:
    """Write the rows that cannot be used. They replace rows that were written earlier under this run's id."""
    bad = delivered.where(F.size("reasons") > 0).select("listing_id", "row_number", "reasons", "raw")
    warehouse.replace_slice(QUARANTINE, own.stamp(bad), own.job, own.run_date, own.run_id)


def write_changes(
    warehouse: Warehouse, delivery_id: str, delivered: DataFrame, changes: DataFrame, counts: Mapping[str, int]
) -> None:
    """Write listing_changes, then listings: insert, update (all columns but the group), return or withdraw.

    Args:
        warehouse: the stored listings.
        delivery_id: run_id of the ingest.
        delivered: the staged delivery.
        changes: the output of `stage_changes`.
        counts: change -> number of listings.

    Raises:
        FailedError: the number of listings that Delta changed is not the number of changes.
    """
    with_values = changes.where("row_number IS NOT NULL")
    values = _join_delivered(delivered.drop("listing_id", "reasons", "raw"), with_values, counts)
    without_values = changes.where("row_number IS NULL")
    flags = {"delivery_id": F.lit(delivery_id), "withdrawn": F.col("change") == _WITHDRAWN}
    source = values.unionByName(without_values, allowMissingColumns=True).withColumns(flags)
    stored = warehouse.read(LISTINGS).drop("delivery_id", "image")
    as_stored = stored.join(without_values.select("listing_id", "change"), "listing_id")
    log = [c for c in LISTING_CHANGES.names if c != "delivery_id"]
    entries = values.select(*log).unionByName(as_stored.select(*log)).withColumn("delivery_id", F.lit(delivery_id))
    warehouse.append(LISTING_CHANGES, entries)

    expected = {change: counts[change] for change in _CHANGES if counts[change]}
    new: dict[str, str | Column] = {name: f"new.{name}" for name in LISTINGS.names}
    updated = {name: value for name, value in new.items() if name not in ("listing_id", "group_id", "bucket")}
    merge = warehouse.table(LISTINGS).alias("old").merge(source.alias("new"), "old.listing_id = new.listing_id")
    # Every clause costs time, even if no row matches it.
    if Outcome.UPDATED.value in expected:
        merge = merge.whenMatchedUpdate(f"new.change = '{Outcome.UPDATED.value}'", updated)
    if expected.keys() - set(_NEW_VALUES):
        new_flags = {name: new[name] for name in flags}
        merge = merge.whenMatchedUpdate(f"new.change NOT IN {_NEW_VALUES}", new_flags)
    if Outcome.INSERTED.value in expected:
        merge = merge.whenNotMatchedInsert(f"new.change = '{Outcome.INSERTED.value}'", new)
    result = merge.execute().first()
    changed = 0 if result is None else int(result.num_affected_rows)
    if changed != sum(expected.values()):
        raise FailedError(
            f"listings: {changed:,} rows were changed, but {sum(expected.values()):,} were expected ({expected}). "
            "Inspect the table with DESCRIBE HISTORY, and restore an earlier version if another program wrote to it."
        )
