"""`catalog-cleaner nightly`: judge every listing, put right what is surely wrong, refer what is not sure."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from jobs.cleaning.clean import add_label_evidence, clean
from jobs.cleaning.gates import check_input, check_output, refuse_failed
from jobs.cleaning.run_summary import account, summarise
from jobs.cleaning.scoring import score
from jobs.cleaning.steps.selection import split_usable, to_check
from jobs.console.job import Job, open_job
from jobs.console.options import JsonOption, ProfileOption, RunDateOption, SetOption, WarehouseOption
from jobs.console.summary import Summary
from jobs.lifecycle.pins import table_versions, take_pins
from jobs.lifecycle.publications import publication
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.listings import narrow, with_taxonomy
from schemas.tables import LISTINGS, TAXONOMY
from training.registry import open_registry

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Compute and show; publish nothing.")]


def main(
    warehouse: WarehouseOption,
    run_date: RunDateOption,
    dry_run: DryRunOption = False,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Clean the catalogue for a date: score what is new, decide every category, publish.

    A retry of a date reads what its first attempt read, and puts its rows in their place. Exit codes: 0 published,
    1 failed (nothing published), 2 wrong usage or settings, 3 a gate refused to publish.
    """
    with open_job("nightly", warehouse, profile, overrides, as_json) as job:
        job.finish(nightly(job, run_date, dry_run))


def nightly(job: Job, run_date: dt.date, dry_run: bool = False) -> Summary:
    """One listing's journey, for all of them: pins, gate, scoring, decisions, figures, gate, publication."""
    warehouse, settings = job.warehouse, job.settings
    with run_context(job, run_date, dry_run) as run:
        registry = open_registry(warehouse.location, settings.registry)
        run.pins = pins = take_pins(
            warehouse, job.name, run_date, registry.champion_version(), job.started_at, not dry_run
        )
        model, base = registry.model(pins.model_version), publication(warehouse, pins.base_run_id)
        job.say(f"{run.run_id}: model {model.version}, listings version {pins.listings_version}, on {pins.base_run_id}")

        listings, quarantined = split_usable(narrow(warehouse.read(LISTINGS, pins.listings_version)))
        taxonomy = warehouse.read(TAXONOMY, pins.taxonomy_version)
        listings, quarantined = with_taxonomy(listings, taxonomy).persist(), quarantined.persist()
        checks = check_input(to_check(listings, quarantined), settings.gates)
        refuse_failed(checks)

        scored = score(job, listings, model, pins, base, run.run_id)
        weighed = add_label_evidence(listings, scored.all, taxonomy, model, settings.decide)
        result = clean(warehouse, weighed, taxonomy, model, pins, base, run_date, settings)
        run.counts |= account(warehouse, listings, quarantined, scored, result, pins)
        checks += check_output(result.to_check, run.counts["listings"], settings.gates)
        refuse_failed(checks)

        if not dry_run:
            job.say("publishing")
            publish(warehouse, Slice(job.name, run.run_id, run_date), result.tables(scored.new, quarantined, checks))
            run.published_versions = table_versions(warehouse, pins)
        summary = summarise(run, result, dry_run)
        warehouse.unstage(run.run_id)
    return summary


if __name__ == "__main__":
    typer.run(main)
