"""The run log: run ids, and the row that each run writes last. It commits a publication."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from secrets import token_hex

from jobs.lifecycle.pins import Pins
from jobs.lifecycle.provenance import Provenance
from jobs.warehouse.tables import Warehouse
from schemas.tables import RUNS

_PROVENANCE = [field.name for field in fields(Provenance)]


@dataclass(frozen=True)
class RunRecord:
    """A row of `runs`: how a run ended."""

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
    reverts: str | None = None
    limits: str | None = None
    corrections: bool | None = None
    provenance: Provenance | None = None


def new_run_id(job: str, run_date: dt.date) -> str:
    """Make a run id: job, run date and six random hex digits, so that simultaneous runs have different ids."""
    return f"{job}-{run_date:%Y-%m-%d}-{token_hex(3)}"


def record(warehouse: Warehouse, run: RunRecord) -> None:
    """Write the run's row. It is the last write of a run and commits its publication."""
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
        "reverts": run.reverts,
        "ended_by": None,
        "limits": run.limits,
        "corrections": run.corrections,
        **(asdict(run.provenance) if run.provenance else dict.fromkeys(_PROVENANCE)),
    }
    warehouse.append(RUNS, warehouse.spark.createDataFrame([tuple(values[name] for name in RUNS.names)], RUNS.ddl))
