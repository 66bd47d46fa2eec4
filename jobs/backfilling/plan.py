"""What a backfill reads, recorded when it begins, so that a killed one is continued with the same inputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.job import clock
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.inputs import input_versions
from jobs.warehouse.tables import Warehouse
from schemas.tables import BACKFILLS, CATEGORY_ALIASES, LISTING_CHANGES, LISTINGS, REVIEW_DECISIONS, TAXONOMY

_READ = (LISTINGS, LISTING_CHANGES, TAXONOMY, CATEGORY_ALIASES, REVIEW_DECISIONS)
_BEGUN, _DONE = "begun", "done"


@dataclass(frozen=True)
class Scope:
    """What a backfill judges.

    Attributes:
        first, last: the dates; of an archive, the date on which it was begun.
        files: the files of an archive; None if past deliveries are judged.
    """

    first: dt.date
    last: dt.date
    files: str | None = None

    @property
    def dates(self) -> Iterator[dt.date]:
        """All dates, in order."""
        return (self.first + dt.timedelta(days=i) for i in range((self.last - self.first).days + 1))

    def __str__(self) -> str:
        """The dates or the files, for messages."""
        return self.files or f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Plan:
    """A backfill.

    Attributes:
        backfill_id: its id.
        scope: what it judges.
        model_version: the model that judges.
        versions: table -> Delta version; a table that does not exist is left out.
    """

    backfill_id: str
    scope: Scope
    model_version: str
    versions: dict[str, int]


def take_plan(run: RunContext, scope: Scope, model_version: str, *, dry_run: bool) -> Plan:
    """Continue the newest backfill with the same scope, model and settings that has not ended, or begin a new one.

    One that began more than `maintain.keep_days` ago is not continued: what it read may be gone.

    A dry run always makes a new plan, and does not record it.
    """
    job = run.job
    plan = None if dry_run else _find_unfinished(run, scope, model_version)
    if plan is not None:
        job.print_progress(f"{run.run_id}: continuing {plan.backfill_id} with model {model_version}")
        return plan
    input_versions(job.warehouse)
    versions = {table.name: version for table in _READ if (version := job.warehouse.version(table)) is not None}
    plan = Plan(run.run_id, scope, model_version, versions)
    job.print_progress(f"{run.run_id}: judging {scope} with model {model_version}")
    if not dry_run:
        _record(run, plan, _BEGUN, job.started_at)
    return plan


def finish(run: RunContext, plan: Plan) -> None:
    """Record that a backfill is done."""
    _record(run, plan, _DONE, clock())


def unfinished(warehouse: Warehouse, since: dt.datetime) -> DataFrame:
    """The rows with which backfills began that are not done. Those that began before a time have been given up."""
    events = warehouse.read(BACKFILLS)
    begun = events.where((F.col("event") == _BEGUN) & (F.col("recorded_at") >= F.lit(since)))
    return begun.join(events.where(F.col("event") == _DONE), "backfill_id", "left_anti")


def _find_unfinished(run: RunContext, scope: Scope, model_version: str) -> Plan | None:
    job = run.job
    # `maintain` keeps what they read for as long.
    since = job.started_at - dt.timedelta(days=job.settings.maintain.keep_days)
    same = unfinished(job.warehouse, since).where(
        F.col("files").eqNullSafe(F.lit(scope.files))
        & (F.col("model_version") == model_version)
        & (F.col("settings_hash") == job.settings.digest)
    )
    if scope.files is None:
        same = same.where((F.col("from_date") == F.lit(scope.first)) & (F.col("to_date") == F.lit(scope.last)))
    newest = same.orderBy(F.col("recorded_at").desc()).first()
    if newest is None:
        return None
    begun = Scope(newest.from_date, newest.to_date, newest.files)
    return Plan(newest.backfill_id, begun, model_version, dict(newest.versions))


def _record(run: RunContext, plan: Plan, event: str, now: dt.datetime) -> None:
    values = {
        "backfill_id": plan.backfill_id,
        "event": event,
        "from_date": plan.scope.first,
        "to_date": plan.scope.last,
        "model_version": plan.model_version,
        "settings_hash": run.job.settings.digest,
        "versions": plan.versions,
        "files": plan.scope.files,
        "recorded_at": now,
    }
    warehouse = run.job.warehouse
    row = tuple(values[name] for name in BACKFILLS.names)
    with run.lock():
        warehouse.append(BACKFILLS, warehouse.spark.createDataFrame([row], BACKFILLS.ddl))
