"""Pins: the versions that a run reads, recorded before it starts so that it can be repeated."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.lifecycle.publications import ERASE, Publication, is_published, publications
from jobs.lifecycle.reverts import reverted_by
from jobs.warehouse.inputs import input_versions
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, UsageError
from schemas.tables import CATEGORY_ALIASES, LISTINGS, PINS, REVIEW_DECISIONS, TABLES, TAXONOMY


@dataclass(frozen=True)
class Pins:
    """The versions that a run reads.

    Attributes:
        model_version: version of the champion.
        listings_version: Delta version of listings.
        taxonomy_version: Delta version of taxonomy.
        decisions_version: Delta version of review_decisions; None if the table did not exist.
        base_run_id: the last publication before the run's date; None for the first publication.
        aliases_version: Delta version of category_aliases; None if the table did not exist.
    """

    model_version: str
    listings_version: int
    taxonomy_version: int
    decisions_version: int | None
    base_run_id: str | None
    aliases_version: int | None = None

    @property
    def versions(self) -> dict[str, int | None]:
        """The pinned tables: name -> version."""
        return {
            LISTINGS.name: self.listings_version,
            TAXONOMY.name: self.taxonomy_version,
            CATEGORY_ALIASES.name: self.aliases_version,
            REVIEW_DECISIONS.name: self.decisions_version,
        }


def pins_of(publication: Publication) -> Pins:
    """The versions that a publication has read."""
    return Pins(
        publication.model_version,
        publication.listings_version,
        publication.taxonomy_version,
        publication.decisions_version,
        publication.base_run_id,
        publication.version(CATEGORY_ALIASES),
    )


@dataclass(frozen=True)
class TakenPins:
    """A run's pins and a message about where they come from; the message is empty for new pins."""

    pins: Pins
    note: str = ""


def take_pins(
    warehouse: Warehouse, job: str, run_date: dt.date, champion: str, now: dt.datetime, *, keep: bool, fresh: bool
) -> TakenPins:
    """Return the pins of an earlier run for the date, or new ones.

    A published date keeps all its pins, so that a rerun gives the same rows, also after a revert. A date that was not
    published keeps its table versions but gets the current champion, because the earlier one may have been rolled
    back. A base that has been taken back since then is replaced by the newest publication before the date that stands.

    Args:
        warehouse: the tables.
        job, run_date: the run.
        champion: version of the current champion.
        now: the current time, UTC.
        keep: whether to record the pins.
        fresh: whether to take new pins even if there are earlier ones.

    Raises:
        UsageError: a later date is published, the date is that of an erasure, a backfill was applied to it, or the
            table listings or taxonomy does not exist.
    """
    published = publications(warehouse)
    later = [row for row in published if row.run_date > run_date]
    if later:
        raise UsageError(
            f"--run-date {run_date}: the later run {later[-1].run_id} is already published, and dates must be "
            f"published in order. Use --run-date {later[-1].run_date} or later."
        )
    erasures = [run.run_id for run in published if run.job == ERASE and run.run_date == run_date]
    if erasures:
        raise UsageError(
            f"--run-date {run_date}: the erasure {erasures[-1]} has published the state of this date without "
            "what was erased, and the versions that the date had read are gone. Use a later date."
        )
    taken_back = reverted_by(published)
    applied = [
        run.run_id
        for run in published
        if run.run_date == run_date and run.job == "backfill" and run.run_id not in taken_back
    ]
    if applied:
        raise UsageError(
            f"--run-date {run_date}: {', '.join(applied)} decided some listings again for this date, and "
            "running it again would undo that. Use a later date; or take it back first, the newest first: "
            f"catalog-cleaner revert {applied[-1]} --warehouse {warehouse.location}"
        )
    standing = [run.run_id for run in published if run.run_date < run_date and run.run_id not in taken_back]
    base = standing[-1] if standing else None
    same = [run for run in published if run.run_date == run_date and run.job == job]
    if same and not fresh:
        pins = pins_of(same[-1])
        note = f"{run_date} is already published: reading the same versions, with model {pins.model_version}"
        own_base = base if pins.base_run_id in taken_back else pins.base_run_id
        return TakenPins(replace(pins, base_run_id=own_base), f"{note} (use --fresh-pins for the current versions)")
    earlier = warehouse.read(PINS).where((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))
    row = None if fresh or same else earlier.orderBy(F.col("pinned_at").desc()).first()
    if row is not None:
        before = Pins(**json.loads(row.pins))
        own_base = base if before.base_run_id in taken_back else before.base_run_id
        pins = replace(before, model_version=champion, base_run_id=own_base)
        if pins != before and keep:
            _record_pins(warehouse, job, run_date, pins, now)
        return TakenPins(
            pins,
            f"an earlier run for {run_date} did not publish: reading the same table versions "
            "(--fresh-pins reads today's)",
        )
    listings, taxonomy, aliases = input_versions(warehouse)
    pins = Pins(champion, listings, taxonomy, warehouse.version(REVIEW_DECISIONS), base, aliases)
    if keep:
        _record_pins(warehouse, job, run_date, pins, now)
    return TakenPins(pins)


def _record_pins(warehouse: Warehouse, job: str, run_date: dt.date, pins: Pins, now: dt.datetime) -> None:
    row = Row(job=job, run_date=run_date, pins=json.dumps(asdict(pins)), pinned_at=now)
    warehouse.append(PINS, warehouse.spark.createDataFrame([row], PINS.ddl))


def open_pins(warehouse: Warehouse, after: dt.date | None) -> list[Pins]:
    """The newest pins of each date after that of the newest publication; None: of each date."""
    rows = warehouse.read(PINS).where(F.lit(after is None) | (F.col("run_date") > F.lit(after)))
    newest = rows.groupBy("job", "run_date").agg(F.max_by("pins", "pinned_at").alias("pins"))
    return [Pins(**json.loads(row.pins)) for row in newest.collect()]


def release_pins(warehouse: Warehouse, job: str, run_date: dt.date) -> None:
    """Delete the pins of a refused run, so that the next attempt reads the repaired data."""
    warehouse.table(PINS).delete((F.col("job") == job) & (F.col("run_date") == F.lit(run_date)))


def table_versions(warehouse: Warehouse, pins: Pins, run_id: str, written: Collection[str]) -> dict[str, int]:
    """The versions of all tables of a publication.

    The input tables have their pinned versions, the tables that the run has written those of its last commits, so that
    no commit of another program is published by chance. All others have their current versions.

    Args:
        warehouse: the tables.
        pins: the run's pins.
        run_id: the run.
        written: names of the tables that it has written.

    Raises:
        FailedError: the run has made none of the last commits of a table that it has written.
    """
    sources = pins.versions
    versions: dict[str, int] = {}
    for table in TABLES.values():
        if not is_published(table):
            continue
        if table.name in sources:
            version = sources[table.name]
        elif table.name in written:
            version = warehouse.log(table).own_version(run_id)
            if version is None:
                raise FailedError(
                    f"nothing was published: table {table.name} has no commit of {run_id}, but many of other programs. "
                    "Let only one job write at a time, and run the command again."
                )
        else:
            version = warehouse.version(table)
        if version is not None:
            versions[table.name] = version
    return versions
