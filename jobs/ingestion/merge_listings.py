"""Work out what a batch changes and write it: groups, quarantine, listing_changes, listings.

listing_changes is written before listings. A run that dies in between leaves either changes that were never made,
which the next run removes, or changes that were made, which the next run records.
"""

from __future__ import annotations

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
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.tables import LISTING_CHANGES, LISTINGS, QUARANTINE, RUNS
from udfs.near_duplicates import near_duplicate_keys
from udfs.titles import is_uninformative

_WITHDRAWN = "withdrawn"
_NEW_VALUES = (Outcome.INSERTED.value, Outcome.UPDATED.value)
_BROADCAST_ROWS = 500_000
"""Of so many changes the narrow rows go to every task, so that pictures need not be sorted to find theirs."""


def repair_interrupted_ingests(run: RunContext) -> None:
    """Clean up after ingests that died while they wrote (see the module).

    An ingest whose changes are in listings but whose row in `runs` is missing gets one.
    """
    warehouse = run.job.warehouse
    done = warehouse.read(RUNS).where((F.col("job") == "ingest") & (F.col("status") == "done"))
    left = warehouse.read(LISTING_CHANGES).join(
        done.select(F.col("run_id").alias("delivery_id")), "delivery_id", "left_anti"
    )
    counts: dict[str, dict[str, int]] = {}
    for row in left.groupBy("delivery_id", "change").count().collect():
        counts.setdefault(row.delivery_id, {})[row.change] = row["count"]
    for delivery, changes in sorted(counts.items()):
        if warehouse.read(LISTINGS).where(F.col("delivery_id") == delivery).isEmpty():
            run.job.say(
                f"{delivery} was interrupted before it changed a listing: removing its entries from listing_changes"
            )
            warehouse.table(LISTING_CHANGES).delete(F.col("delivery_id") == delivery)
            continue
        known = warehouse.read(RUNS).where(F.col("run_id") == delivery).first()
        if known is None or known.status == "interrupted":
            run.job.say(f"{delivery} was interrupted after it changed the listings: adding its row to runs")
            warehouse.table(RUNS).delete(F.col("run_id") == delivery)
            record(warehouse, _late_record(run, delivery, changes, known))


def _late_record(run: RunContext, delivery: str, changes: dict[str, int], known: Row | None) -> RunRecord:
    """The row of an ingest that was killed after its changes were written.

    Args:
        run: the present run.
        delivery: the killed run's id.
        changes: change -> listings.
        known: its row as an interrupted run; None outside a local folder. Then its dates are those of the present run.
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


def work_out_changes(
    warehouse: Warehouse, stage: str, delivered: DataFrame, found: DataFrame, gone: DataFrame, settings: Settings
) -> DataFrame:
    """What happens to which listing, with the keys of new values and the groups of new listings; staged.

    Args:
        warehouse: the stored listings.
        stage: a name for what is staged.
        delivered: the staged delivery.
        found: row_number, listing_id, outcome.
        gone: listing_id of those to be withdrawn.
        settings: where pictures are read, and which cannot be.

    Returns:
        listing_id, change, row_number (null for a withdrawn one), title_key, image_key, group_id, bucket.
    """
    fresh = found.where(F.col("outcome").isin(*_NEW_VALUES)).select("row_number", "outcome")
    with ExitStack() as at_end:
        keyed = cached(_with_keys(_beside(delivered, fresh), settings), at_end)
        changes = _keyed_changes(keyed, warehouse.read(LISTINGS), found, gone)
        return warehouse.stage(stage, changes)


def _keyed_changes(keyed: DataFrame, listings: DataFrame, found: DataFrame, gone: DataFrame) -> DataFrame:
    """The rows of `work_out_changes`, not computed yet; `keyed` is the output of `_with_keys`."""
    inserted, edited = (keyed.where(F.col("outcome") == outcome) for outcome in _NEW_VALUES)
    stored = listings.select("listing_id", "group_id", *KEYS)
    others = stored.join(edited.select("listing_id"), "listing_id", "left_anti")
    others = others.unionByName(edited.select("listing_id", *KEYS).join(stored.drop(*KEYS), "listing_id"))
    groups = assign_groups(inserted.select("listing_id", *KEYS), others)
    with_values = keyed.join(groups, "listing_id", "left").withColumn("bucket", bucket(F.col("group_id")))
    flagged = found.where(F.col("outcome") == Outcome.RETURNED.value).select("listing_id", "outcome")
    flagged = flagged.unionByName(gone.select("listing_id", F.lit(_WITHDRAWN).alias("outcome")))
    changes = with_values.unionByName(flagged, allowMissingColumns=True).withColumnRenamed("outcome", "change")
    return changes.select("listing_id", "change", "row_number", "title_key", "image_key", "group_id", "bucket")


def _with_keys(rows: DataFrame, settings: Settings) -> DataFrame:
    """row_number, outcome, listing_id and `KEYS`: of what shows nothing there is no key."""
    ingest, picture = settings.ingest, settings.picture
    keys = near_duplicate_keys(
        ingest.image_prefixes, ingest.max_image_bytes, picture.max_pixels, picture.blank_deviation
    )
    rows = rows.withColumn("keys", keys(F.col("title"), F.col("image"), F.col("image_uri")))
    plain = F.col("keys.normalized_title")
    says = ~is_uninformative(F.col("title")) & ~is_uninformative(plain) & plain.isNotNull()
    return rows.select(
        "row_number",
        "outcome",
        "listing_id",
        F.when(says, F.xxhash64(plain)).alias("title_key"),
        F.col("keys.image_key").alias("image_key"),
        "image_hash",
    )


def _beside(delivered: DataFrame, wanted: DataFrame) -> DataFrame:
    """The delivered rows of some row_numbers, with their pictures."""
    few = wanted.count() <= _BROADCAST_ROWS
    return delivered.join(F.broadcast(wanted) if few else wanted, "row_number")


def write_quarantine(warehouse: Warehouse, mine: Slice, delivered: DataFrame) -> None:
    """Write the rows that cannot be used, in the place of those that a dead attempt has left under this run's id."""
    bad = delivered.where(F.size("reasons") > 0).select("listing_id", "row_number", "reasons", "raw")
    warehouse.replace_slice(QUARANTINE, mine.stamp(bad), mine.job, mine.run_date, mine.run_id)


def write_changes(warehouse: Warehouse, delivery_id: str, delivered: DataFrame, changes: DataFrame) -> None:
    """Write listing_changes, then listings: insert, update (all but the group), return or withdraw.

    Raises:
        FailedError: Delta changed another number of listings than there are changes.
    """
    values = _beside(delivered.drop("listing_id", "reasons", "raw"), changes.where("row_number IS NOT NULL"))
    flags = changes.where("row_number IS NULL")
    marks = {"delivery_id": F.lit(delivery_id), "withdrawn": F.col("change") == _WITHDRAWN}
    source = values.unionByName(flags, allowMissingColumns=True).withColumns(marks)
    as_stored = (
        warehouse.read(LISTINGS).drop("delivery_id", "image").join(flags.select("listing_id", "change"), "listing_id")
    )
    log = [c for c in LISTING_CHANGES.names if c != "delivery_id"]
    entries = values.select(*log).unionByName(as_stored.select(*log)).withColumn("delivery_id", F.lit(delivery_id))
    warehouse.append(LISTING_CHANGES, entries)

    wanted = {row.change: row["count"] for row in changes.groupBy("change").count().collect()}
    new: dict[str, str | Column] = {name: f"new.{name}" for name in LISTINGS.names}
    edited = {name: value for name, value in new.items() if name not in ("listing_id", "group_id", "bucket")}
    merge = warehouse.table(LISTINGS).alias("old").merge(source.alias("new"), "old.listing_id = new.listing_id")
    # A clause that nothing needs would make Delta look for the rows that it matches.
    if Outcome.UPDATED.value in wanted:
        merge = merge.whenMatchedUpdate(f"new.change = '{Outcome.UPDATED.value}'", edited)
    if wanted.keys() - set(_NEW_VALUES):
        flag = {name: new[name] for name in marks}
        merge = merge.whenMatchedUpdate(f"new.change NOT IN {_NEW_VALUES}", flag)
    if Outcome.INSERTED.value in wanted:
        merge = merge.whenNotMatchedInsert(f"new.change = '{Outcome.INSERTED.value}'", new)
    result = merge.execute().first()
    touched = 0 if result is None else int(result.num_affected_rows)
    if touched != sum(wanted.values()):
        raise FailedError(f"listings: {touched:,} rows were changed where {wanted} were wanted; look at its history.")
