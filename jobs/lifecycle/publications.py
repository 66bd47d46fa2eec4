"""The publications: which runs were published, and the Delta version of each of their tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import (
    BACKFILLS,
    CORRECTION_SWITCH,
    LISTINGS,
    PINS,
    QUALITY_METRICS,
    RUNS,
    SUPPRESSIONS,
    TABLES,
    TAXONOMY,
    Table,
)

ERASE = "erase"
"""The job whose publication is the first that can be read after an erasure."""
PUBLISHING_JOBS = ("nightly", "backfill", "revert", "review", ERASE)


@dataclass(frozen=True)
class Publication:
    """A published run.

    Attributes:
        run_id, run_date, job: the run.
        model_version: version of the model that scored the listings.
        listings_version, taxonomy_version, decisions_version: Delta versions of the input tables; decisions_version is
            None if there were no decisions.
        base_run_id: the publication before it; None for the first one. Of a revert, the one whose state it restores.
        published_versions: table -> Delta version.
        counts: the row account and other counts.
        started_at, finished_at: UTC.
        reverts: of a revert, the publication that it takes back.
        ended_by: the erasure that ended it; it can no longer be read.
        corrections: whether the model could correct categories; None for one of an earlier version, where it could.
        limits, settings_hash: as in `runs`; None if not known.
    """

    run_id: str
    run_date: dt.date
    job: str
    model_version: str
    listings_version: int
    taxonomy_version: int
    decisions_version: int | None
    base_run_id: str | None
    published_versions: Mapping[str, int]
    counts: Mapping[str, int]
    started_at: dt.datetime
    finished_at: dt.datetime
    reverts: str | None = None
    ended_by: str | None = None
    corrections: bool | None = None
    limits: str | None = None
    settings_hash: str | None = None

    @property
    def seconds(self) -> float:
        """Wall-clock time of the run."""
        return (self.finished_at - self.started_at).total_seconds()

    def read(self, warehouse: Warehouse, table: Table) -> DataFrame:
        """Read a table at its published version; no rows if the table was not part of the publication.

        A table that is never part of one (`is_published`) is read at its current version.
        """
        version = self.version(table)
        if version is None and is_published(table):
            return warehouse.empty(table)
        return warehouse.read(table, version)

    def own_metrics(self, warehouse: Warehouse) -> DataFrame:
        """Rows of quality_metrics that this run wrote."""
        return self.read(warehouse, QUALITY_METRICS).where(F.col("run_id") == self.run_id)

    def version(self, table: Table) -> int | None:
        """The published version of a table; None if the table was not part of the publication."""
        return self.published_versions.get(table.name)

    def read_kept(self, warehouse: Warehouse, table: Table, way_out: str) -> DataFrame:
        """Read a table, as `read`, after checking that Delta still has its published version.

        Args:
            warehouse: the warehouse.
            table: the table.
            way_out: what to do if it has not, for the message.

        Raises:
            UsageError: Delta has removed some of the version's files or its log.
        """
        version = self.version(table)
        if version is None:
            return self.read(warehouse, table)
        rows = warehouse.read_if_kept(table, version)
        if rows is None:
            raise UsageError(
                f"the publication {self.run_id} can no longer be read: Delta has removed the files of version "
                f"{version} of {table.name} (VACUUM), or its log. {way_out}"
            )
        return rows


def is_published(table: Table) -> bool:
    """Whether publications contain the table.

    All do, except `runs`, `pins`, `suppressions`, `correction_switch`, caches and what belongs to backfills.
    """
    others = (RUNS, PINS, SUPPRESSIONS, CORRECTION_SWITCH, BACKFILLS)
    return table not in others and table.kind not in ("cache", "history")


def publications(warehouse: Warehouse, *, ended: bool = False) -> list[Publication]:
    """All publications, sorted by run date and finish time.

    Args:
        warehouse: the warehouse.
        ended: also those that an erasure has ended. Only their rows in `runs` are left.
    """
    published = [Publication(**row.asDict()) for row in warehouse.collect_newest(RUNS, _published)]
    published = [run for run in published if ended or run.ended_by is None]
    return sorted(published, key=lambda run: (run.run_date, run.finished_at, run.run_id))


def _published(runs: DataFrame) -> DataFrame:
    published = runs.where("published_versions IS NOT NULL").where(F.col("job").isin(*PUBLISHING_JOBS))
    return published.select(*Publication.__dataclass_fields__)


def by_commit(published: Iterable[Publication]) -> list[Publication]:
    """Sort publications by the time at which they were committed.

    This order differs from that of `publications` if a run of an earlier date was published later.
    """
    return sorted(published, key=lambda run: (run.finished_at.astimezone(dt.UTC), run.run_id))


def decider(publication: Publication, published: Sequence[Publication]) -> Publication:
    """The publication that has decided what a publication shows: itself, or the last one before an erasure.

    An erasure publishes what was decided before, and decides nothing itself.

    Args:
        publication: the publication.
        published: all publications, also ended ones; only needed for that of an erasure.
    """
    if publication.job != ERASE:
        return publication
    before = takewhile(lambda each: each.run_id != publication.run_id, by_commit(published))
    return next((each for each in reversed(list(before)) if each.job != ERASE), publication)


def replaced_by(published: Iterable[Publication], job: str, run_date: dt.date) -> list[Publication]:
    """The publications that a new run of a job and date replaces: those after which nothing else was published.

    Another one of the same job and date has been taken back. It remains part of the history.
    """
    newest_first = reversed(by_commit(published))
    return list(takewhile(lambda run: (run.job, run.run_date) == (job, run_date), newest_first))


def shown_before(published: Sequence[Publication], job: str, run_date: dt.date) -> Publication | None:
    """The publication that readers would see if those that a new run replaces were not there; None if there is none."""
    replaced = replaced_by(published, job, run_date)
    others = [run for run in by_commit(published) if run not in replaced]
    return others[-1] if others else None


def find_publication(warehouse: Warehouse, run_id: str | None = None) -> Publication:
    """The publication of a run; by default the newest one.

    Raises:
        UsageError: nothing has been published yet, or the run was not published. The message says what to do.
    """
    return publications_until(warehouse, run_id)[-1]


def publications_until(warehouse: Warehouse, run_id: str | None = None) -> list[Publication]:
    """The publications up to that of a run (by default the newest one), oldest first.

    Raises:
        UsageError: as `find_publication`.
    """
    published = publications(warehouse)
    end = _index(warehouse, published, run_id)
    return published[: end + 1]


def publications_since(warehouse: Warehouse, since: str, until: str | None = None) -> list[Publication]:
    """The publications from one to another, both included, in the order in which they were committed.

    Args:
        warehouse: the warehouse.
        since: run id of the first one.
        until: run id of the last one; default: the one that was committed last.

    Raises:
        UsageError: nothing has been published yet, one of the runs was not published, or `until` was committed before
            `since`.
    """
    committed = by_commit(publications(warehouse))
    start, end = _index(warehouse, committed, since), _index(warehouse, committed, until)
    if end < start:
        raise UsageError(
            f"{until} was published before {since}, so nothing of it can follow. The newest publication is "
            f"{committed[-1].run_id}."
        )
    return committed[start : end + 1]


def _index(warehouse: Warehouse, published: Sequence[Publication], run_id: str | None) -> int:
    """The place of a run among publications, newest last; by default that of the newest one.

    Raises:
        UsageError: there are none, an erasure has ended the run, or the run is not among them.
    """
    places = {run.run_id: place for place, run in enumerate(published)}
    if run_id not in places:
        _refuse_ended(warehouse, published, run_id)
    if not published:
        raise UsageError(f"nothing has been published in {warehouse.location} yet: {_next_step(warehouse)}.")
    if run_id is None:
        return len(published) - 1
    if run_id not in places:
        raise UsageError(
            f"run {run_id!r} was not published; the newest publication is {published[-1].run_id}. `catalog-cleaner "
            "runs` lists all runs."
        )
    return places[run_id]


def _refuse_ended(warehouse: Warehouse, published: Sequence[Publication], run_id: str | None) -> None:
    """Refuse a publication that an erasure has ended, or any if the erasure has not published yet.

    Raises:
        UsageError: it is ended.
    """
    ended = [run for run in publications(warehouse, ended=True) if run.ended_by is not None]
    if run_id is not None:
        ended = [run for run in ended if run.run_id == run_id]
    elif published:
        return
    if not ended:
        return
    what, by = (f"publication {run_id}" if run_id else "every publication"), ended[-1].ended_by
    raise UsageError(
        f"the erasure {by} ended {what}, because it held what had to be erased: it cannot be read, compared or taken "
        + (
            f"back. Read the whole state of {published[-1].run_id} once, and ask for the changes since it."
            if published
            else "back. The erasure has not finished: run the same `catalog-cleaner erase` again."
        )
    )


def read_published(warehouse: Warehouse, name: str, run_id: str | None = None) -> DataFrame:
    """Read a table as it was when a run was published.

    Args:
        warehouse: the warehouse.
        name: name of the table.
        run_id: the published run; default: the newest.

    Returns:
        The rows; see `Publication.read`.

    Raises:
        UsageError: there is no such table or no such publication, or Delta has removed the files of an earlier one.
    """
    if name not in TABLES:
        raise UsageError(f"there is no table {name!r}; the tables are {', '.join(TABLES)}.")
    published = publications_until(warehouse)
    newest, chosen = published[-1], published[_index(warehouse, published, run_id)]
    if chosen is newest:  # its files are never removed
        return newest.read(warehouse, TABLES[name])
    way_out = f"Read a later publication; the newest is {newest.run_id}."
    return chosen.read_kept(warehouse, TABLES[name], way_out)


def _next_step(warehouse: Warehouse) -> str:
    if not (warehouse.exists(LISTINGS) and warehouse.exists(TAXONOMY)):
        command = f"catalog-cleaner ingest LISTINGS --taxonomy FILE --warehouse {warehouse.location}"
        return f"load a catalogue with `{command}`"
    return (
        f"clean the catalogue with `catalog-cleaner nightly --run-date YYYY-MM-DD --warehouse {warehouse.location}`"
        " (train a model with `catalog-cleaner train` first)"
    )
