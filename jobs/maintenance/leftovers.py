"""Removes what nobody will read again: predictions of models that are out of use, and staged archives."""

from __future__ import annotations

from pyspark.sql import functions as F

from jobs.lifecycle.run_context import STAGED_ARCHIVES, RunContext
from jobs.maintenance.needs import Needs
from jobs.warehouse.tables import STAGING_FOLDER, safe_name
from schemas.tables import BACKFILLS, PREDICTIONS
from training.registry import open_registry


def delete_predictions(run: RunContext, needs: Needs, *, dry_run: bool) -> int:
    """Delete the predictions of models that neither are champion nor belong to `needs`.

    Returns:
        The number of predictions.

    Raises:
        FailedError: the registry does not answer.
    """
    job = run.job
    warehouse = job.warehouse
    by_model = warehouse.read(PREDICTIONS).groupBy("model_version").count().collect()
    others = {row.model_version: int(row["count"]) for row in by_model if row.model_version not in needs.models}
    if not others:
        return 0
    champion = open_registry(warehouse.folder, warehouse.location, job.settings.registry).find_champion()
    unused = sorted(others.keys() - {champion})
    if unused:
        job.print_progress(f"predictions of models that are out of use: {', '.join(unused)}")
        if not dry_run:
            warehouse.table(PREDICTIONS).delete(F.col("model_version").isin(*unused))
    return sum(others[model] for model in unused)


def remove_archives(run: RunContext, needs: Needs, *, dry_run: bool) -> int:
    """Remove the staged archives of backfills that are done or given up; returns their number."""
    warehouse = run.job.warehouse
    kept = {safe_name(f"{STAGED_ARCHIVES}{backfill}") for backfill in needs.backfills}
    if warehouse.folder is not None:
        names = {path.name for path in (warehouse.folder / STAGING_FOLDER).glob(f"{STAGED_ARCHIVES}*")}
    else:
        ids = warehouse.read(BACKFILLS).where("files IS NOT NULL").select("backfill_id").distinct().collect()
        staged = {safe_name(f"{STAGED_ARCHIVES}{row.backfill_id}") for row in ids}
        names = {name for name in staged - kept if warehouse.staged(name) is not None}
    for name in sorted(names - kept):
        run.job.print_progress(f"staged archive that is no longer needed: {name}")
        if not dry_run:
            warehouse.unstage(name)
    return len(names - kept)
