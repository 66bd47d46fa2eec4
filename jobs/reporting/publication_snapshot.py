"""A publication to look at: every table as it stood when its run was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from jobs.lifecycle.publications import Publication, publications_until
from jobs.warehouse.tables import Warehouse
from schemas.tables import TAXONOMY, Table


@dataclass(frozen=True)
class PublicationSnapshot:
    """A publication and those before it.

    Attributes:
        warehouse: the warehouse.
        run: the publication.
        before: the publications before it, the oldest first.
    """

    warehouse: Warehouse
    run: Publication
    before: Sequence[Publication]
    _read: dict[str, DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def read(self, table: Table) -> DataFrame:
        """The table's rows at the published version; none where it was not part of the publication.

        Delta looks a version up at every opening, so each table is opened once.
        """
        if table.name not in self._read:
            self._read[table.name] = self.run.read(self.warehouse, table)
        return self._read[table.name]

    def names(self) -> dict[str, str]:
        """Category code -> the taxonomy's name for people."""
        return {row.category: row.label or row.category for row in self.read(TAXONOMY).collect()}


def find_snapshot(warehouse: Warehouse, run_id: str | None) -> PublicationSnapshot:
    """The publication of a run; for None the newest one.

    Raises:
        UsageError: nothing has been published, or not by that run; the message says what to run.
    """
    *before, run = publications_until(warehouse, run_id)
    return PublicationSnapshot(warehouse, run, before)
