"""What is still needed: the versions of tables that will be read, and the models whose predictions are used."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.backfilling.plan import unfinished
from jobs.lifecycle.pins import open_pins
from jobs.lifecycle.publications import Publication, publications
from jobs.maintenance.rules import kept_publications
from jobs.warehouse.tables import Warehouse


@dataclass(frozen=True)
class Needs:
    """What is still needed.

    Attributes:
        publications: the publications that stay readable, in the order in which they were committed.
        known: number of all publications.
        versions: table -> the versions that must stay readable, besides the newest.
        models: the models of these publications and of unfinished backfills.
        backfills: ids of unfinished backfills.
    """

    publications: tuple[Publication, ...]
    known: int
    versions: Mapping[str, frozenset[int]]
    models: frozenset[str]
    backfills: frozenset[str]


def find_needs(warehouse: Warehouse, since: dt.datetime) -> Needs:
    """Find out what publications, pins of dates that are not published, and unfinished backfills need.

    Args:
        warehouse: the tables.
        since: publications and backfills of earlier times are not needed, with the exceptions of `kept_publications`.
    """
    published = publications(warehouse)
    pins = open_pins(warehouse, published[-1].run_date if published else None)
    backfills = unfinished(warehouse, since).select("backfill_id", "model_version", "versions").collect()
    kept = kept_publications(published, since, {pin.base_run_id for pin in pins})
    versions: dict[str, set[int]] = defaultdict(set)
    for read in (*(run.published_versions for run in kept), *(row.versions for row in backfills)):
        for name, version in read.items():
            versions[name].add(version)
    for pin in pins:
        for name, pinned in pin.versions.items():
            if pinned is not None:
                versions[name].add(pinned)
    return Needs(
        publications=tuple(kept),
        known=len(published),
        versions={name: frozenset(found) for name, found in versions.items()},
        models=frozenset({run.model_version for run in kept} | {row.model_version for row in backfills}),
        backfills=frozenset(row.backfill_id for row in backfills),
    )
