"""`catalog-cleaner encode`: turn the pictures of new and changed listings into vectors."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyspark.sql import functions as F

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.features.encoders import refuse_wrong_encoders
from jobs.features.steps.selection import KEYS
from jobs.features.stored import stored_features
from jobs.features.updating import encoders_in_use, update_features
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.warehouse.inputs import input_versions
from jobs.warehouse.listings import narrow
from schemas.tables import LISTINGS
from training.registry import open_registry


def encode(job: Job) -> Summary:
    """Encode new pictures.

    Turns the picture of every new or changed listing into a vector, from which models learn and predict. A picture that
    has been encoded before is not read: its vector is copied. Pictures that could not be read before are tried again.
    Uses the encoder of the settings, and that of the champion if it is another one. An interrupted run keeps what it
    has encoded, and the next one continues.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    refuse_wrong_encoders(job.settings)
    job.require_listings()
    warehouse = job.warehouse
    version, *_ = input_versions(warehouse)
    registry = open_registry(job.address.folder, job.address.text, job.settings.registry)
    with run_context(job, job.started_at.date(), exclusive=False) as run:
        with tempfile.TemporaryDirectory(prefix="catalog-cleaner-") as folder:
            encoders = encoders_in_use(job, registry, version, Path(folder) / "encoder").all
            run.counts |= update_features(run, encoders, version, others=True)
        return _summary(run, [each.spec.identity for each in encoders], version)


def _summary(run: RunContext, encoders: list[str], listings_version: int) -> Summary:
    """The counts of the run, and the statuses of the pictures of all listings in force."""
    warehouse = run.job.warehouse
    listings = narrow(warehouse.read(LISTINGS, listings_version)).select(*KEYS)
    rows: list[tuple[str, str, int]] = []
    for encoder in encoders:
        found = stored_features(warehouse, encoder).join(listings, KEYS, "left_semi")
        statuses = found.groupBy("image_status").agg(F.count("*").alias("pictures")).orderBy(F.desc("pictures"))
        rows += [(encoder, row.image_status, row.pictures) for row in statuses.collect()]
    by_status = Section("pictures by status", ("encoder", "status", "pictures"), rows, key="by_status")
    return Summary("Pictures encoded", {"run_id": run.run_id, **run.counts}, (by_status,))


main = as_command("encode", encode)

if __name__ == "__main__":
    run_command(main)
