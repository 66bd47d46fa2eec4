"""`catalog-cleaner nightly`: correct categories that are surely wrong, refer doubtful ones to people, publish."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from jobs.cleaning.clean import add_label_evidence, clean
from jobs.cleaning.gates import check_input, check_output, refuse_failed, unreadable_share
from jobs.cleaning.run_summary import account, summarise_run
from jobs.cleaning.scoring import score
from jobs.cleaning.steps.selection import split_usable, to_check, with_texts, without_texts
from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.options import RunDateOption
from jobs.console.summary import Summary
from jobs.lifecycle.pins import table_versions, take_pins
from jobs.lifecycle.publications import find_publication
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_context import STAGED_PREDICTIONS, run_context
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import narrow, with_taxonomy
from schemas.tables import LISTINGS, QUALITY_METRICS, TAXONOMY
from training.registry import open_registry

FreshPinsOption = Annotated[
    bool,
    typer.Option(
        "--fresh-pins", help="Read today's model and table versions, even if an earlier run of the date read others."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what the run would do; publish nothing.")]


def nightly(
    job: Job, run_date: RunDateOption, dry_run: DryRunOption = False, fresh_pins: FreshPinsOption = False
) -> Summary:
    """Clean the catalogue for a date and publish the result.

    New and changed listings are scored, then the category of every listing is decided. A rerun of a
    published date reads the same versions and replaces its rows. A retry of a date that is not published reads the same
    table versions, with today's champion.

    Exit codes: 0 published, 1 failed (nothing published), 2 wrong usage or settings, 3 a gate refused to publish.
    """
    warehouse, settings = job.warehouse, job.settings
    with run_context(job, run_date, dry_run) as run, ExitStack() as at_end:
        registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
        champion = registry.champion_version()
        taken = take_pins(warehouse, job.name, run_date, champion, job.started_at, keep=not dry_run, fresh=fresh_pins)
        run.pins = pins = taken.pins
        if taken.note:
            job.say(taken.note)
        model = registry.model(pins.model_version)
        base = find_publication(warehouse, pins.base_run_id) if pins.base_run_id else None
        based_on = pins.base_run_id or "no earlier run"
        job.say(f"{run.run_id}: model {model.version}, listings version {pins.listings_version}, based on {based_on}")

        listings, quarantined = split_usable(narrow(warehouse.read(LISTINGS, pins.listings_version)))
        taxonomy = warehouse.read(TAXONOMY, pins.taxonomy_version)
        whole = with_taxonomy(listings, taxonomy)
        listings, quarantined = cached(without_texts(whole), at_end), cached(quarantined, at_end)
        checks = check_input(to_check(listings, quarantined), settings.gates)
        refuse_failed(checks)

        # On a local folder only this run writes, so that a retry finds the staged predictions by their name.
        stage = STAGED_PREDICTIONS if warehouse.folder is not None and not dry_run else run.run_id
        if stage == run.run_id:
            at_end.callback(warehouse.unstage, stage)
        scored = score(job, listings, model, pins, base, stage)
        job.say("deciding categories")
        evidence = add_label_evidence(listings, scored.all, taxonomy, model, settings.decide)
        result = at_end.enter_context(clean(warehouse, evidence, taxonomy, model, pins, base, run_date, settings))
        run.counts |= account(warehouse, listings, quarantined, scored, result, pins)
        last_metrics = base.own_metrics(warehouse) if base else warehouse.empty(QUALITY_METRICS)
        unreadable = unreadable_share(last_metrics)
        checks += check_output(result.to_check, run.counts["listings"], unreadable, settings.gates)
        refuse_failed(checks)

        if not dry_run:
            job.say("publishing")
            tables = result.tables(scored.new, quarantined, checks, with_texts(result.decided, whole))
            publish(warehouse, Slice(job.name, run.run_id, run_date), tables)
            run.published_versions = table_versions(warehouse, pins)
        summary = summarise_run(run, result, dry_run)
        warehouse.unstage(stage)
    return summary


main = as_command("nightly", nightly)

if __name__ == "__main__":
    typer.run(main)
