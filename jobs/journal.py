"""The runs: their ids, their pins, and the row that ends each and is the commit mark of a publication."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.store import Warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS, PINS, REVIEW_DECISIONS, RUNS, TABLES, TAXONOMY

PUBLISHING_JOBS = ("nightly", "backfill", "revert", "review")


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
class Publication:
    """A published run: its id and the Delta version of every table of it."""

    run_id: str
    model_version: str
    listings_version: int
    versions: Mapping[str, int]

    def version(self, table: str) -> int | None:
        """The version of a table; None where it was not part of the publication."""
        return self.versions.get(table)


@dataclass(frozen=True)
class RunRecord:
    """How a run ended: a row of `runs`."""

    run_id: str
    job: str
    run_date: dt.date
    status: str
    settings_hash: str
    counts: Mapping[str, int]
    started_at: dt.datetime
    finished_at: dt.datetime
    pins: Pins | None = None
    model_version: str | None = None
    published_versions: Mapping[str, int] | None = None
    message: str | None = None


def next_run_id(warehouse: Warehouse, job: str, run_date: dt.date) -> str:
    """The id of the next attempt: job, date and number."""
    prefix = f"{job}-{run_date:%Y-%m-%d}-"
    attempts = warehouse.read(RUNS).where(F.col("run_id").startswith(prefix)).count()
    return f"{prefix}{attempts + 1}"


def take_pins(warehouse: Warehouse, job: str, run_date: dt.date, champion: str, now: dt.datetime, keep: bool) -> Pins:
    """The pins of an earlier attempt at the date, or new ones; with `keep` they are written down.

    Raises:
        UsageError: a later date is published, or listings or taxonomy are not there.
    """
    published = publications(warehouse)
    later = [row for row in published if row.run_date > run_date]
    if later:
        raise UsageError(
            f"--run-date {run_date}: {later[-1].run_id} is published, and a date is refused once a later one is; "
            "run a later date."
        )
    earlier = warehouse.read(PINS).where((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))
    row = earlier.orderBy(F.col("pinned_at").desc()).first()
    if row is not None:
        return Pins(**json.loads(row.pins))
    listings, taxonomy = warehouse.version(LISTINGS), warehouse.version(TAXONOMY)
    if listings is None or taxonomy is None:
        raise UsageError(f"{warehouse.location} holds no listings: run `catalog-cleaner ingest` first.")
    before = [row for row in published if row.run_date < run_date]
    pins = Pins(
        champion, listings, taxonomy, warehouse.version(REVIEW_DECISIONS), before[-1].run_id if before else None
    )
    if keep:
        row = Row(job=job, run_date=run_date, pins=json.dumps(asdict(pins)), pinned_at=now)
        warehouse.append(PINS, warehouse.spark.createDataFrame([row], PINS.ddl))
    return pins


def release_pins(warehouse: Warehouse, job: str, run_date: dt.date) -> None:
    """Forget the pins of a refused run: what made it refuse will be mended, and the next attempt must see that."""
    warehouse.table(PINS).delete((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))


def publication(warehouse: Warehouse, run_id: str | None) -> Publication | None:
    """What a run published; None for None.

    Raises:
        UsageError: the run has published nothing.
    """
    if run_id is None:
        return None
    for row in reversed(publications(warehouse)):
        if row.run_id == run_id:
            return Publication(row.run_id, row.model_version, row.listings_version, row.published_versions)
    raise UsageError(f"run {run_id} has published nothing; `catalog-cleaner runs` lists the runs.")


def last_publication(warehouse: Warehouse) -> Publication | None:
    """The newest publication; None where there is none."""
    rows = publications(warehouse)
    return publication(warehouse, rows[-1].run_id) if rows else None


def publications(warehouse: Warehouse) -> list[Row]:
    """Published runs, the oldest date first; of one date, the first finished first."""
    runs = warehouse.read(RUNS).where("published_versions IS NOT NULL").where(F.col("job").isin(*PUBLISHING_JOBS))
    return sorted(runs.collect(), key=lambda row: (row.run_date, row.finished_at))


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


def record(warehouse: Warehouse, run: RunRecord) -> None:
    """Write the run's row: the last write of a run, and the commit mark where it published."""
    pins = run.pins
    values = {
        "run_id": run.run_id,
        "job": run.job,
        "run_date": run.run_date,
        "status": run.status,
        "base_run_id": pins.base_run_id if pins else None,
        "listings_version": pins.listings_version if pins else None,
        "taxonomy_version": pins.taxonomy_version if pins else None,
        "decisions_version": pins.decisions_version if pins else None,
        "model_version": pins.model_version if pins else run.model_version,
        "published_versions": dict(run.published_versions) if run.published_versions is not None else None,
        "settings_hash": run.settings_hash,
        "counts": dict(run.counts),
        "message": run.message,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
    warehouse.append(RUNS, warehouse.spark.createDataFrame([tuple(values[name] for name in RUNS.names)], RUNS.ddl))
