"""A publication to look at: every table as it stood when its run was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, Row

from jobs.lifecycle.publications import publications
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import LISTINGS, TAXONOMY, Table


@dataclass(frozen=True)
class PublicationSnapshot:
    """A publication and those before it.

    Attributes:
        warehouse: the warehouse.
        run: the publication's row of `runs`.
        before: the rows of the publications before it, the oldest first.
    """

    warehouse: Warehouse
    run: Row
    before: Sequence[Row]
    _read: dict[str, DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def read(self, table: Table) -> DataFrame:
        """The table's rows at the published version; none where it was not part of the publication.

        Delta looks a version up at every opening, so each table is opened once.
        """
        if table.name not in self._read:
            version = self.run.published_versions.get(table.name)
            self._read[table.name] = (
                self.warehouse.empty(table) if version is None else self.warehouse.read(table, version)
            )
        return self._read[table.name]

    def names(self) -> dict[str, str]:
        """Category code -> the taxonomy's name for people."""
        return {row.category: row.label or row.category for row in self.read(TAXONOMY).collect()}


def find_snapshot(warehouse: Warehouse, run_id: str | None) -> PublicationSnapshot:
    """The publication of a run; the newest for None.

    Raises:
        UsageError: nothing has been published yet, or not by that run; the message says what to run.
    """
    runs = publications(warehouse)
    if not runs:
        raise UsageError(f"nothing is published in {warehouse.location} yet: {_next_step(warehouse)}.")
    for place, run in enumerate(runs):
        if run.run_id == (run_id or runs[-1].run_id):
            return PublicationSnapshot(warehouse, run, runs[:place])
    raise UsageError(f"--run {run_id}: that run has published nothing; the newest that has is {runs[-1].run_id}.")


def _next_step(warehouse: Warehouse) -> str:
    if not (warehouse.exists(LISTINGS) and warehouse.exists(TAXONOMY)):
        command = f"catalog-cleaner ingest LISTINGS --taxonomy FILE --warehouse {warehouse.location}"
        return f"load a catalogue with `{command}`"
    return (
        f"clean the catalogue with `catalog-cleaner nightly --run-date D --warehouse {warehouse.location}`"
        " (`catalog-cleaner train` makes the model that it needs)"
    )
