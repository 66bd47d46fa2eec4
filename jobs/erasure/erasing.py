"""The steps of an erasure, in an order in which a killed one can be run again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfilling.plan import unfinished
from jobs.erasure.names import Names
from jobs.erasure.rows import remaining_rows
from jobs.erasure.targets import LISTING, id_frame
from jobs.fetching.picture_folder import PictureFolder
from jobs.fetching.tidying import forget_unnamed, recorded_folders
from jobs.ingestion import suppressions
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication, is_published
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import RunContext
from jobs.lifecycle.starts import find_starts
from jobs.warehouse.fetched import fetched_folder
from jobs.warehouse.forgetting import forget_history, is_forgetting
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.tables import (
    BACKFILL_DECISIONS,
    BACKFILLS,
    CATEGORY_ALIASES,
    CLEAN_LISTINGS,
    LISTING_CHANGES,
    LISTINGS,
    PICTURE_FETCHES,
    PINS,
    QUALITY_METRICS,
    REVIEW_DECISIONS,
    RUNS,
    SUPPRESSIONS,
    TABLES,
    TAXONOMY,
    Table,
)
from training.models import ModelSummary
from udfs.pseudonyms import PseudonymKey, Purpose

_LAST = (BACKFILL_DECISIONS, CLEAN_LISTINGS, LISTINGS, LISTING_CHANGES)
"""In these an erasure that is run again finds the listings of a seller, so they are rewritten last."""


def refuse_running(run: RunContext) -> None:
    """Check that no training or backfill is in progress: it could write what has been erased.

    Raises:
        FailedError: one is.
    """
    running = [start for start in find_starts(run.job.warehouse.folder) if start.alive and start.run_id != run.run_id]
    if running:
        raise FailedError(
            f"{running[0].run_id} is in progress ({running[0].message}) and has read what is to be erased: run the "
            "same command again when it has ended."
        )


def learned_by(warehouse: Warehouse, names: Names, models: Collection[ModelSummary]) -> list[str]:
    """The versions of models that were trained after one of the listings was first delivered, the oldest first.

    These may have learned from it: all if the delivery has no row in `runs`, none if there was no delivery.
    """
    ids = id_frame(warehouse, LISTING, names.listings)
    deliveries = warehouse.read(LISTING_CHANGES).join(F.broadcast(ids), LISTING, "left_semi").select("delivery_id")
    ended = warehouse.read(RUNS).select(F.col("run_id").alias("delivery_id"), "finished_at")
    times = [row.finished_at for row in deliveries.distinct().join(ended, "delivery_id", "left").collect()]
    return learned_after([time and time.astimezone(dt.UTC) for time in times], models)


def learned_after(delivered: Collection[dt.datetime | None], models: Collection[ModelSummary]) -> list[str]:
    """The versions of models that were registered after the first of some deliveries, the oldest first.

    Args:
        delivered: when each delivery ended, UTC; None if that is not known, which counts as before all models.
        models: the models.
    """
    if not delivered:
        return []
    first = min(time.timestamp() * 1000 if time else 0.0 for time in delivered)
    return sorted((model.version for model in models if model.created >= first), key=int)


def suppress(run: RunContext, names: Names, key: PseudonymKey, models: list[str]) -> None:
    """Add what is to be erased to the suppression list, before anything is erased.

    Args:
        run: the run.
        names: what is erased.
        key: the key of pseudonyms, with which all entries so far were made (`suppressions.read_suppressions`).
        models: models that may have learned from it.
    """
    warehouse, now = run.job.warehouse, run.job.started_at
    kinds = (
        (suppressions.LISTING, Purpose.SUPPRESSED_LISTING, names.listings),
        (suppressions.SELLER, Purpose.SUPPRESSED_SELLER, names.sellers),
    )
    entries = {(kind, key.pseudonym(purpose, each)) for kind, purpose, ids in kinds for each in ids}
    known = {(row.kind, row.pseudonym) for row in warehouse.read(SUPPRESSIONS).collect()}
    rows = [(kind, each, key.check, models, run.run_id, now) for kind, each in sorted(entries - known)]
    if rows:
        warehouse.append(SUPPRESSIONS, warehouse.spark.createDataFrame(rows, SUPPRESSIONS.ddl))


def end_publications(run: RunContext) -> None:
    """End all publications, and what was to read their versions: pins, unfinished backfills and staged rows."""
    warehouse = run.job.warehouse
    earlier = F.col("published_versions").isNotNull() & F.col("ended_by").isNull()
    warehouse.table(RUNS).update(earlier, {"ended_by": F.lit(run.run_id)})
    if warehouse.exists(PINS):
        warehouse.overwrite(PINS, warehouse.empty(PINS))
    if warehouse.exists(BACKFILLS):
        given_up = unfinished(warehouse, dt.datetime.fromtimestamp(0, dt.UTC)).select("backfill_id")
        warehouse.overwrite(BACKFILLS, warehouse.read(BACKFILLS).join(given_up, "backfill_id", "left_anti"))


def remove_staging(warehouse: Warehouse) -> None:
    """Remove all staged tables."""
    for name in warehouse.staged_names():
        warehouse.unstage(name)


def finish_forgetting(warehouse: Warehouse) -> None:
    """Remove the history of tables in the middle of which an earlier erasure was killed, also if they name no id."""
    for table in TABLES.values():
        if warehouse.exists(table) and is_forgetting(warehouse, table):
            forget_history(warehouse, table)


def rewrite(run: RunContext, names: Names, tables: Mapping[str, Collection[str]], newest: Publication | None) -> None:
    """Write tables anew without what is erased, and remove their history.

    A state table is written as the newest publication has it: a run that failed may have left it half written.

    Args:
        run: the run.
        names: what is erased.
        tables: table -> the columns in which an id was found.
        newest: the newest publication.
    """
    warehouse = run.job.warehouse
    ordered = (*(table for table in TABLES.values() if table not in _LAST), *_LAST)
    for table in (table for table in ordered if table.name in tables):
        run.job.print_progress(f"{table.name}: writing the rows that stay, and removing the history")
        rows = _published_state(warehouse, table, newest)
        stay = remaining_rows(warehouse, table, rows, names, tables[table.name], run.run_id)
        warehouse.overwrite(table, stay)
        forget_history(warehouse, table)


def forget_fetched_pictures(run: RunContext) -> int:
    """Remove the fetched pictures of listings that have been erased, unless another listing has the same address.

    Returns:
        The number of pictures.
    """
    warehouse = run.job.warehouse
    if not warehouse.exists(PICTURE_FETCHES):
        return 0
    run.job.print_progress("removing the fetched pictures that no listing names any longer")
    folders = recorded_folders(warehouse)  # the settings of this command may name another one
    if run.job.settings.fetch.folder is not None or not warehouse.address.schema:
        folders.add(fetched_folder(warehouse.address, run.job.settings))
    removed = forget_unnamed(warehouse, map(PictureFolder, sorted(folders)))
    # Also if nothing was removed now: an erasure that was killed may have removed the rows and not their history. The
    # table is written anew, because deleted rows stay in a file with others, marked as deleted.
    warehouse.overwrite(PICTURE_FETCHES, warehouse.read(PICTURE_FETCHES))
    forget_history(warehouse, PICTURE_FETCHES)
    return removed


def _published_state(warehouse: Warehouse, table: Table, newest: Publication | None) -> DataFrame:
    version = newest.version(table) if newest is not None and table.kind == "state" else None
    rows = None if version is None else warehouse.read_if_kept(table, version)
    return warehouse.read(table) if rows is None else rows


def copy_metrics(run: RunContext, newest: Publication) -> None:
    """Give the erasure the metrics of the newest publication: nothing is judged anew before the next night."""
    own = Slice(run.job.name, run.run_id, run.run_date)
    warehouse = run.job.warehouse
    # The rows are still there if Delta has forgotten the published version.
    rows = warehouse.read(QUALITY_METRICS).where(F.col("run_id") == newest.run_id)
    warehouse.append(QUALITY_METRICS, own.stamp(rows))


def publication_after(
    warehouse: Warehouse, newest: Publication, rewritten: Collection[str]
) -> tuple[Pins, dict[str, int]]:
    """The pins and versions of the publication that replaces the newest one.

    Tables that were not rewritten keep their published version; the others, and the metrics, have their present one.
    """
    versions, changed = dict(newest.published_versions), {*rewritten, QUALITY_METRICS.name}
    for table in TABLES.values():
        if not is_published(table) or table.name not in versions:
            continue
        if table.name in changed or warehouse.read_if_kept(table, versions[table.name]) is None:
            versions[table.name] = warehouse.version(table) or 0
    pins = Pins(
        newest.model_version,
        versions[LISTINGS.name],
        versions[TAXONOMY.name],
        versions.get(REVIEW_DECISIONS.name),
        newest.run_id,
        versions.get(CATEGORY_ALIASES.name),
    )
    return pins, versions
