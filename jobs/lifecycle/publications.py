"""The publications: which runs have published, and the Delta version of every table of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import RUNS

PUBLISHING_JOBS = ("nightly", "backfill", "revert", "review")


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
