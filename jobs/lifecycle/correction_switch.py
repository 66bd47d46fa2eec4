"""The switch with which people stop all corrections of the model at once (docs/safety.md).

It is a table of its own that needs no lock, so that it can be switched while a night runs. It is not pinned: what
people have said last holds for every run.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.warehouse.tables import Warehouse
from schemas.errors import RefusedError
from schemas.tables import CORRECTION_SWITCH


@dataclass(frozen=True)
class Switch:
    """Whether the model may correct categories, and who has said so.

    Attributes:
        is_on: whether it may.
        by: user and host; None if nobody has switched anything.
        since: UTC.
        note: why.
    """

    is_on: bool = True
    by: str | None = None
    since: dt.datetime | None = None
    note: str | None = None

    def __str__(self) -> str:
        """Such as `off since 2026-11-28 09:30 UTC, by ada@host: wrong shoes`."""
        state = "on" if self.is_on else "off"
        if self.since is None:
            return state
        why = f": {self.note}" if self.note else ""
        return f"{state} since {self.since:%Y-%m-%d %H:%M} UTC, by {self.by}{why}"


def read_switch(warehouse: Warehouse) -> Switch:
    """The last entry; on if there is none."""
    if not warehouse.exists(CORRECTION_SWITCH):
        return Switch()
    row = warehouse.read(CORRECTION_SWITCH).orderBy(F.col("switched_at").desc()).first()
    if row is None:
        return Switch()
    return Switch(row.corrections, row.switched_by, row.switched_at.astimezone(dt.UTC), row.note)


def write_switch(warehouse: Warehouse, switch: Switch) -> None:
    """Add an entry; it needs no lock, because Delta lets several writers append."""
    row = (switch.is_on, switch.by, switch.since, switch.note)
    warehouse.append(CORRECTION_SWITCH, warehouse.spark.createDataFrame([row], CORRECTION_SWITCH.ddl))


def refuse_if_switched_off(warehouse: Warehouse, used: Switch) -> None:
    """Refuse to publish corrections if people have stopped them while the run was deciding.

    Args:
        warehouse: the warehouse.
        used: the switch as the run has read it.

    Raises:
        RefusedError: it has been switched off since.
    """
    now = read_switch(warehouse)
    if used.is_on and not now.is_on:
        raise RefusedError(
            f"nothing was published. Corrections were switched off while this run was deciding ({now}). Run the "
            "command again: it publishes the sellers' categories, and scores nothing twice."
        )
