"""What a run reads, written down before any work, so that it can be repeated."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, replace

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.lifecycle.publications import publications
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS, PINS, REVIEW_DECISIONS, RUNS, TABLES, TAXONOMY


@dataclass(frozen=True)
class Pins:
    """What a run reads, written down before any work, so that it can be repeated.

    Attributes:
        model_version: the champion's version at the time.
        listings_version: Delta version of listings.
        taxonomy_version: Delta version of taxonomy.
        decisions_version: Delta version of review_decisions; None where there were none.
        base_run_id: the last publication before the run's date; None for the first.
    """

    model_version: str
    listings_version: int
    taxonomy_version: int
    decisions_version: int | None
    base_run_id: str | None


@dataclass(frozen=True)
class TakenPins:
    """A run's pins, and what to say about them; empty if they are new."""

    pins: Pins
    note: str = ""


def take_pins(
    warehouse: Warehouse, job: str, run_date: dt.date, champion: str, now: dt.datetime, *, keep: bool, fresh: bool
) -> TakenPins:
    """The pins of an earlier attempt at the date, or new ones.

    A date that is published keeps all its pins, so that a rerun gives the same rows. A date that is not published yet
    keeps the versions of its tables, but takes today's champion: the earlier one may have been rolled back since.

    Args:
        warehouse: the tables.
        job, run_date: the run.
        champion: today's champion.
        now: UTC.
        keep: whether to record the pins.
        fresh: whether to take new pins even if there are earlier ones.

    Raises:
        UsageError: a later date is published, or listings or taxonomy do not exist.
    """
    published = publications(warehouse)
    later = [row for row in published if row.run_date > run_date]
    if later:
        raise UsageError(
            f"--run-date {run_date}: {later[-1].run_id} is published, and a date is refused once a later one is; "
            "run a later date."
        )
    same = [run for run in published if run.run_date == run_date]
    if same and not fresh:
        last = same[-1]
        versions = (last.listings_version, last.taxonomy_version, last.decisions_version)
        note = f"{run_date} is published: reading the same versions again, with model {last.model_version}"
        pins = Pins(last.model_version, *versions, last.base_run_id)
        return TakenPins(pins, f"{note} (--fresh-pins takes today's)")
    earlier = warehouse.read(PINS).where((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))
    row = None if fresh or same else earlier.orderBy(F.col("pinned_at").desc()).first()
    if row is not None:
        before = Pins(**json.loads(row.pins))
        pins = replace(before, model_version=champion)
        if pins != before and keep:
            _record_pins(warehouse, job, run_date, pins, now)
        return TakenPins(pins, f"an earlier attempt at {run_date} did not publish: reading the same table versions")
    listings, taxonomy = warehouse.version(LISTINGS), warehouse.version(TAXONOMY)
    if listings is None or taxonomy is None:
        raise UsageError(f"{warehouse.location} holds no listings: run `catalog-cleaner ingest` first.")
    base = next((run.run_id for run in reversed(published) if run.run_date < run_date), None)
    pins = Pins(champion, listings, taxonomy, warehouse.version(REVIEW_DECISIONS), base)
    if keep:
        _record_pins(warehouse, job, run_date, pins, now)
    return TakenPins(pins)


def _record_pins(warehouse: Warehouse, job: str, run_date: dt.date, pins: Pins, now: dt.datetime) -> None:
    row = Row(job=job, run_date=run_date, pins=json.dumps(asdict(pins)), pinned_at=now)
    warehouse.append(PINS, warehouse.spark.createDataFrame([row], PINS.ddl))


def release_pins(warehouse: Warehouse, job: str, run_date: dt.date) -> None:
    """Drop the pins of a refused run: the next attempt must see what was mended."""
    warehouse.table(PINS).delete((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))


def table_versions(warehouse: Warehouse, pins: Pins) -> dict[str, int]:
    """The versions of all tables as they stand, with the sources as pinned."""
    sources = {
        "listings": pins.listings_version,
        "taxonomy": pins.taxonomy_version,
        "review_decisions": pins.decisions_version,
    }
    versions: dict[str, int] = {}
    for table in TABLES.values():
        if table in (RUNS, PINS):
            continue
        version = sources[table.name] if table.name in sources else warehouse.version(table)
        if version is not None:
            versions[table.name] = version
    return versions
