"""A snapshot of a publication: the tables as they were when its run was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from jobs.lifecycle.publications import Publication, find_publication, publications
from jobs.lifecycle.reverts import reverted_by
from jobs.warehouse.tables import Warehouse
from schemas.tables import TAXONOMY, Table


@dataclass(frozen=True)
class PublicationSnapshot:
    """A publication and the earlier ones.

    Attributes:
        warehouse: the warehouse.
        run: the publication.
        before: earlier publications, oldest first.
        taken_back_by: the revert that has taken it back; None if it stands.
    """

    warehouse: Warehouse
    run: Publication
    before: Sequence[Publication]
    taken_back_by: str | None = None
    _read: dict[str, DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def read(self, table: Table) -> DataFrame:
        """Read a table at its published version; no rows if it was not part of the publication.

        Each table is opened only once, because Delta looks up the version whenever it opens a table.
        """
        if table.name not in self._read:
            self._read[table.name] = self.run.read(self.warehouse, table)
        return self._read[table.name]

    def names(self) -> dict[str, str]:
        """Category code -> label in the taxonomy."""
        return {row.category: row.label or row.category for row in self.read(TAXONOMY).collect()}


def find_snapshot(warehouse: Warehouse, run_id: str | None) -> PublicationSnapshot:
    """The publication of a run; by default the newest one.

    Raises:
        UsageError: nothing has been published yet, or the run was not published. The message says what to do.
    """
    run = find_publication(warehouse, run_id)
    # Of publications that an erasure has ended, the metrics are left, which name no listing.
    known = publications(warehouse, ended=True)
    before = [each for each in known if (each.run_date, each.finished_at) < (run.run_date, run.finished_at)]
    taken_back = reverted_by([each for each in known if each.ended_by is None])
    return PublicationSnapshot(warehouse, run, before, taken_back.get(run.run_id))
