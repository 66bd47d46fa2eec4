"""`catalog-cleaner ingest`: load a batch of listings and keep the newest version of each."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import PresetOption
from jobs.console.stages import Stages
from jobs.console.summary import Summary
from jobs.ingestion.categories import CategoryOptions, check_options, read_given, write_categories
from jobs.ingestion.copies import COPIES_OF_INGEST, open_copies
from jobs.ingestion.deliveries import check_count, open_delivery, reported_read_errors
from jobs.ingestion.files import refuse_missing
from jobs.ingestion.gate import gate_delivery
from jobs.ingestion.ingest_summary import (
    MixedTitles,
    count_rows,
    find_mixed_titles,
    refuse_large_withdrawal,
    summarise_ingest,
)
from jobs.ingestion.lost_values import count_lost_values
from jobs.ingestion.merge_listings import repair_interrupted_ingests, stage_changes, write_changes, write_quarantine
from jobs.ingestion.numeric_ids import unify_ids
from jobs.ingestion.preview import preview
from jobs.ingestion.steps.parse import add_hashes
from jobs.ingestion.steps.versions import find_missing, find_outcomes
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.caches import cached
from jobs.warehouse.fetched import picture_prefixes
from schemas.tables import LISTINGS

ListingsArgument = Annotated[
    str,
    typer.Argument(
        metavar="LISTINGS",
        help="Parquet, CSV or JSON file, a folder of files of one format, or a Delta table: its folder, or its name "
        "in a catalogue.",
    ),
]
TaxonomyOption = Annotated[
    str | None,
    typer.Option(
        "--taxonomy",
        metavar="FILE",
        help="Taxonomy file with the columns category, label, parent, department, sensitive and replaced_by, which "
        "names what has taken the place of a former category. The first load needs it, or --taxonomy-from-paths. "
        "Later, it replaces the stored taxonomy.",
    ),
]
FromPathsOption = Annotated[
    bool,
    typer.Option(
        "--taxonomy-from-paths",
        help="Add the categories of LISTINGS that the taxonomy lacks, such as `Clothing > Tops`. Nothing is removed.",
    ),
]
AliasesOption = Annotated[
    str | None,
    typer.Option(
        "--category-aliases",
        metavar="FILE",
        help="File with the columns alias, a category as it is delivered, and category, that of the taxonomy. It "
        "replaces the stored one.",
    ),
]
FullOption = Annotated[
    bool,
    typer.Option("--full/--delta", help="Withdraw the listings that are missing from the batch, or keep them."),
]


VersionOption = Annotated[
    int | None,
    typer.Option("--table-version", min=0, help="Version of LISTINGS, if it is a Delta table; default: the newest."),
]


DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        is_eager=True,
        help="Write nothing; show what the columns become, the first rows as they would be, and rows that cannot be "
        "used. Of large files only the beginning is read. Needs neither a warehouse nor a taxonomy.",
    ),
]


def _require_warehouse(context: typer.Context, value: str) -> str:
    """The warehouse, which a dry run does not need: an existing folder stands for it."""
    if not value and not context.params.get("dry_run"):
        raise typer.BadParameter("it is missing: give a folder, a URI or catalog.schema.")
    return value or "."


IngestWarehouseOption = Annotated[
    str,
    typer.Option(
        "--warehouse",
        metavar="PATH",
        callback=_require_warehouse,
        help="Warehouse with the tables: a folder, a URI or catalog.schema. Required, except with --dry-run.",
    ),
]


def ingest(  # noqa: PLR0913, PLR0917 - one for each option
    job: Job,
    listings: ListingsArgument,
    taxonomy: TaxonomyOption = None,
    from_paths: FromPathsOption = False,
    aliases: AliasesOption = None,
    full: FullOption = False,
    version: VersionOption = None,
    preset: PresetOption = None,
    dry_run: DryRunOption = False,
    warehouse: IngestWarehouseOption = "",
) -> Summary:
    """Load a batch of listings.

    Keeps the newest version of each listing. Loading the same batch again changes nothing. Rows that cannot be used
    are written to the table quarantine with the reasons. With --dry-run, look at an unknown file first.

    Exit codes: 0 success; 1 failure; 2 invalid usage, settings or files; 3 refused, because the batch differs too
    much from the stored listings or, if it is full, would withdraw too many.
    """
    del preset, warehouse  # they are in the settings and the job
    refuse_missing(job, listings)
    options = CategoryOptions(taxonomy, aliases, from_paths)
    check_options(job, options, dry_run=dry_run)
    if dry_run:
        return preview(job, listings, version, options)
    return _load(job, listings, options, full, version)


def _load(job: Job, listings: str, options: CategoryOptions, full: bool, version: int | None) -> Summary:
    stages = Stages()
    stages.begin("starting")
    settings, warehouse = job.settings, job.warehouse
    stages.begin("checking files")
    job.print_progress(f"checking the files of {listings}")
    with ExitStack() as at_end:
        copies = at_end.enter_context(open_copies(warehouse, COPIES_OF_INGEST))
        given = read_given(job, options, copies)
        suppressions = read_suppressions(warehouse, settings.privacy)
        delivery = open_delivery(job.spark, listings, settings.ingest, job.started_at, copies, version)
        delivery.refuse_without_content()
        stages.begin("waiting for the warehouse")
        run = at_end.enter_context(run_context(job, job.started_at.date()))
        repair_interrupted_ingests(run)
        stages.begin("reading")
        job.print_progress(f"{run.run_id}: reading {delivery.files}")
        with reported_read_errors(delivery.files.location):
            usable, prefixes = suppressions.blank(delivery.rows), picture_prefixes(warehouse, settings)
            rows = add_hashes(usable, prefixes, settings.ingest.max_image_bytes, has_uris=delivery.has_uris)
            staged = warehouse.stage(f"{run.run_id}-delivered", rows)
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")
        stages.begin("comparing")
        stored = warehouse.read(LISTINGS)
        delivered, suppressed = split_suppressed(unify_ids(staged, stored))
        outcomes = cached(find_outcomes(delivered, stored), at_end)
        withdrawn = find_missing(stored, delivered) if full else None
        counts = count_rows(delivered, outcomes, withdrawn, suppressed)
        run.counts |= counts.by_name
        mixed = find_mixed_titles(delivered) if run.counts["rows_superseded"] else MixedTitles()
        lost = count_lost_values(outcomes, stored, delivery.sources) if run.counts["updated"] else {}
        run.counts |= {"ids_with_several_titles": mixed.ids, "lines_like_rows": delivery.doubtful, **lost}
        check_count(delivery.files, delivery.counted, counts.by_name["rows_in"])
        job.print_progress("{rows_in:,} rows, {rows_current:,} of them new or changed".format_map(run.counts))
        gate_delivery(run, delivered, outcomes, stored, full)
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), delivered)
        refuse_large_withdrawal(stored, run.counts, settings.ingest)

        categories = write_categories(warehouse, delivered, given, settings.ingest)
        run.counts["taxonomy_written"] = int(categories.taxonomy_changed)
        if run.counts["rows_current"] or run.counts["withdrawn"]:
            stages.begin("grouping")
            job.print_progress("grouping near duplicates")
            stage = f"{run.run_id}-changes"
            changes = stage_changes(warehouse, stage, delivered, outcomes, withdrawn, run.counts, settings)
            at_end.callback(warehouse.unstage, stage)
            stages.begin("writing")
            job.print_progress("writing listings")
            write_changes(warehouse, run.run_id, delivered, changes, run.counts)
        warehouse.create(LISTINGS)
        stages.end()
        return summarise_ingest(job, run, delivery, full, counts, mixed, categories, stages)


main = as_command("ingest", ingest)

if __name__ == "__main__":
    run_command(main)
