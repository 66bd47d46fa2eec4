"""`catalog-cleaner ingest`: takes a delivery of listings in, so that the newest version of each is in force."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.ingestion.deliveries import open_delivery
from jobs.ingestion.ingest_summary import count_rows, refuse_withdrawal, summarise
from jobs.ingestion.merge_listings import settle_interrupted, work_out_changes, write_changes, write_quarantine
from jobs.ingestion.steps.parse import add_hashes
from jobs.ingestion.steps.versions import absent, outcomes
from jobs.ingestion.taxonomies import find_taxonomy, store_taxonomy
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.caches import cached
from schemas.tables import LISTINGS

ListingsArgument = Annotated[
    str,
    typer.Argument(metavar="LISTINGS", help="A Parquet, CSV or JSON lines file, or a folder of files of one format."),
]
TaxonomyOption = Annotated[
    str | None,
    typer.Option(
        "--taxonomy",
        metavar="FILE",
        help="The categories: category, label, parent, department, sensitive. Needed once; later it replaces them.",
    ),
]
FullOption = Annotated[
    bool,
    typer.Option("--full/--delta", help="Full: listings that the delivery lacks are withdrawn. Delta leaves them."),
]


def ingest(job: Job, listings: ListingsArgument, taxonomy: TaxonomyOption = None, full: FullOption = False) -> Summary:
    """Load a batch of listings: the newest version of each listing wins, and a repeated batch changes nothing.

    Rows that cannot be used go to the table quarantine, with the reasons. Exit codes: 0 done, 1 failed, 2 wrong usage
    or settings, or files that cannot be read, 3 refused (a full batch that would withdraw too many listings).
    """
    warehouse, settings = job.warehouse, job.settings
    categories = find_taxonomy(warehouse, taxonomy, settings.ingest.csv_delimiter)
    delivery = open_delivery(job.spark, listings, settings.ingest)
    with run_context(job, job.started_at.date()) as run, ExitStack() as at_end:
        settle_interrupted(run)
        job.say(f"{run.run_id}: reading {len(delivery.files.paths):,} {delivery.files.format} file(s) of {listings}")
        with delivery.readable(job.spark):
            rows = add_hashes(delivery.rows, settings.ingest, uris=delivery.uris)
            delivered = warehouse.stage(f"{run.run_id}-delivered", rows)
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")

        stored = warehouse.read(LISTINGS)
        found = cached(outcomes(delivered, stored), at_end)
        gone = absent(stored, delivered) if full else stored.limit(0)
        run.counts |= count_rows(delivered, found, gone)
        job.say(f"{run.counts['rows_in']:,} rows: {run.counts['rows_current']:,} bring a listing's newest version")
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), delivered)
        refuse_withdrawal(stored, run.counts, settings.ingest)

        run.counts["taxonomy_written"] = int(store_taxonomy(warehouse, categories))
        if run.counts["rows_current"] or run.counts["withdrawn"]:
            job.say("finding the groups of new listings")
            changes = work_out_changes(warehouse, f"{run.run_id}-changes", delivered, found, gone, settings)
            at_end.callback(warehouse.unstage, f"{run.run_id}-changes")
            job.say("writing listings")
            write_changes(warehouse, run.run_id, delivered, changes)
        warehouse.create(LISTINGS)
        return summarise(job, run, delivery, full)


main = as_command("ingest", ingest)

if __name__ == "__main__":
    typer.run(main)
