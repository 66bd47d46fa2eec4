"""`catalog-cleaner nightly`: correct wrong categories, refer uncertain ones to people and publish the result."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from jobs.cleaning.gates import check_input, check_output, refuse_if_failed, unreadable_share
from jobs.cleaning.judging import Basis, judge, read_catalogue
from jobs.cleaning.limits import check_limits, confirm_first_run
from jobs.cleaning.run_summary import count_rows, summarise_run
from jobs.cleaning.steps.selection import input_gate_rows, with_texts
from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import AcceptChangesOption, RunDateOption
from jobs.console.summary import Summary
from jobs.features.encoders import bundled_encoder
from jobs.features.encoding import encode_pictures
from jobs.features.updating import update_features
from jobs.lifecycle.correction_switch import refuse_if_switched_off
from jobs.lifecycle.pins import table_versions, take_pins
from jobs.lifecycle.pseudonym_key import key_of_model
from jobs.lifecycle.publications import find_publication, publications, shown_before
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_context import STAGED_PREDICTIONS, run_context
from jobs.reviewing.delivering import deliver_before_night
from schemas.tables import QUALITY_METRICS
from training.registry import open_registry

FreshPinsOption = Annotated[
    bool,
    typer.Option(
        "--fresh-pins",
        help="Read the current model and table versions, even if an earlier run for this date pinned others.",
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Compute and print the summary, but publish nothing. Vectors of new pictures are kept for later runs.",
    ),
]


def nightly(
    job: Job,
    run_date: RunDateOption,
    dry_run: DryRunOption = False,
    fresh_pins: FreshPinsOption = False,
    accept_changes: AcceptChangesOption = False,
) -> Summary:
    """Clean the catalogue for a date and publish the result.

    Encodes new pictures, scores new and changed listings, then decides the category of every listing. Rerunning a
    published date reads the same model and table versions and replaces its rows. Retrying a date that was not published
    reads the same table versions with the current champion. A date cannot be run once a later date is published.

    A night that changes more than the settings in `limits` allow is refused. If its changes are right, publish them
    with --accept-changes.

    Exit codes: 0 success; 1 failure, nothing was published; 2 invalid usage or settings; 3 refused by a gate or limit,
    nothing was published.
    """
    job.require_listings()
    warehouse, settings = job.warehouse, job.settings
    if not dry_run:
        deliver_before_night(job)
    with run_context(job, run_date, dry_run) as run, ExitStack() as at_end:
        registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
        champion = registry.champion_version()
        taken = take_pins(warehouse, job.name, run_date, champion, job.started_at, keep=not dry_run, fresh=fresh_pins)
        run.pins = pins = taken.pins
        if taken.note:
            job.print_progress(taken.note)
        model = registry.model(pins.model_version)
        key_of_model(warehouse, settings.privacy, model)
        base = find_publication(warehouse, pins.base_run_id) if pins.base_run_id else None
        confirm_needed = settings.gates.confirm_first_run and not dry_run
        confirm_first_run(base, needed=confirm_needed, accepted=accept_changes)
        based_on = pins.base_run_id or "no earlier run"
        job.print_progress(
            f"{run.run_id}: model {model.version}, listings version {pins.listings_version}, based on {based_on}"
        )

        catalogue = read_catalogue(warehouse, pins, at_end)
        checks = check_input(input_gate_rows(catalogue.listings, catalogue.quarantined), settings.gates)
        refuse_if_failed(checks)

        # A warehouse has one writer at a time, so a retry can find the staged predictions under a fixed name.
        stage = run.run_id if dry_run else STAGED_PREDICTIONS
        if stage == run.run_id:
            at_end.callback(warehouse.unstage, stage)
        encoder = bundled_encoder(model.bundle)
        if dry_run:
            encode_pictures(run, encoder, pins.listings_version)
        else:
            update_features(run, [encoder], pins.listings_version, others=False)
        shown = shown_before(publications(warehouse), job.name, run_date)
        scored, result = judge(run, catalogue, Basis(model, pins, base, stage, base, shown, run_date), at_end)
        run.counts |= count_rows(warehouse, catalogue, scored, result, pins)
        last_metrics = base.own_metrics(warehouse) if base else warehouse.empty(QUALITY_METRICS)
        unreadable = unreadable_share(last_metrics)
        checks += check_output(result.gate_rows, run.counts["listings"], unreadable, settings.gates)
        refuse_if_failed(checks)
        changes, refusal = check_limits(run, result, base, accepted=accept_changes)
        checks += changes
        if refusal is not None and not dry_run:
            raise refusal

        if not dry_run:
            job.print_progress("publishing")
            refuse_if_switched_off(warehouse, run.switch)
            clean = with_texts(result.own, catalogue.all_columns)
            tables = result.tables(scored.new, catalogue.quarantined, checks, clean)
            publish(warehouse, Slice(job.name, run.run_id, run_date), tables)
            run.published_versions = table_versions(warehouse, pins, run.run_id, tables)
        summary = summarise_run(run, result, dry_run, refusal)
        warehouse.unstage(stage)
    return summary


main = as_command("nightly", nightly)

if __name__ == "__main__":
    run_command(main)
