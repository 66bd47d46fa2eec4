"""What a backfill reads, recorded when it begins, so that a killed one is continued with the same inputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.inputs import input_versions
from schemas.tables import BACKFILLS, LISTING_CHANGES, LISTINGS, REVIEW_DECISIONS, TAXONOMY

_READ = (LISTINGS, LISTING_CHANGES, TAXONOMY, REVIEW_DECISIONS)


@dataclass(frozen=True)
class Plan:
    """A backfill.

    Attributes:
        backfill_id: its id.
        first, last: the dates.
        model_version: the model that judges.
        versions: table -> Delta version; a table that does not exist is left out.
    """

    backfill_id: str
    first: dt.date
    last: dt.date
    model_version: str
    versions: dict[str, int]

    @property
    def dates(self) -> Iterator[dt.date]:
        """All dates, in order."""
        return (self.first + dt.timedelta(days=i) for i in range((self.last - self.first).days + 1))


def make_plan(run: RunContext, first: dt.date, last: dt.date, model_version: str) -> Plan:
    """A new backfill of the current tables; its id is that of the run."""
    warehouse = run.job.warehouse
    input_versions(warehouse)
    versions = {table.name: version for table in _READ if (version := warehouse.version(table)) is not None}
    return Plan(run.run_id, first, last, model_version, versions)


def find_unfinished(run: RunContext, first: dt.date, last: dt.date, model_version: str) -> Plan | None:
    """The newest backfill with the same dates, model and settings, if it has not ended."""
    events = run.job.warehouse.read(BACKFILLS)
    same = events.where(
        (F.col("from_date") == F.lit(first))
        & (F.col("to_date") == F.lit(last))
        & (F.col("model_version") == model_version)
        & (F.col("settings_hash") == run.job.settings.digest)
    )
    unfinished = same.join(events.where("event = 'done'"), "backfill_id", "left_anti")
    newest = unfinished.orderBy(F.col("recorded_at").desc()).first()
    if newest is None:
        return None
    return Plan(newest.backfill_id, first, last, model_version, dict(newest.versions))


def record_event(run: RunContext, plan: Plan, event: str, now: dt.datetime) -> None:
    """Record that a backfill has begun or is done."""
    values = (
        plan.backfill_id,
        event,
        plan.first,
        plan.last,
        plan.model_version,
        run.job.settings.digest,
        plan.versions,
        now,
    )
    warehouse = run.job.warehouse
    with run.lock():
        warehouse.append(BACKFILLS, warehouse.spark.createDataFrame([values], BACKFILLS.ddl))
