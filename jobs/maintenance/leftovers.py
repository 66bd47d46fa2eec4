"""Removes what nobody will read again: predictions of models that are out of use, and staged archives."""

from __future__ import annotations

from pyspark.sql import functions as F

from jobs.lifecycle.run_context import STAGED_ARCHIVES, STAGED_EVIDENCE, RunContext
from jobs.maintenance.needs import Needs
from jobs.warehouse.sql import safe_name
from schemas.tables import PREDICTIONS
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
    """Remove what backfills that are done or given up have staged; returns the number of tables."""
    warehouse = run.job.warehouse
    kept = {name for backfill in needs.backfills for name in _staged_by(backfill)}
    names = {name for name in warehouse.staged_names() if name.startswith(STAGED_ARCHIVES)}
    for name in sorted(names - kept):
        run.job.print_progress(f"staged archive that is no longer needed: {name}")
        if not dry_run:
            warehouse.unstage(name)
    return len(names - kept)


def _staged_by(backfill: str) -> set[str]:
    """The names of the tables that a backfill stages."""
    name = f"{STAGED_ARCHIVES}{backfill}"
    return {safe_name(name), safe_name(f"{name}{STAGED_EVIDENCE}")}
