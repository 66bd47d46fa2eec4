"""`catalog-cleaner revert`: take a publication back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.judging import Basis, Catalogue, judge, read_catalogue
from jobs.cleaning.part import divide
from jobs.cleaning.run_summary import count_part, count_rows, describe_corrections
from jobs.cleaning.steps.selection import with_texts
from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.lifecycle.correction_switch import refuse_if_switched_off
from jobs.lifecycle.pins import Pins, table_versions
from jobs.lifecycle.pseudonym_key import key_of_model
from jobs.lifecycle.publications import Publication, decider, find_publication, publications
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.reverts import find_base, find_undoing
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.inputs import read_pinned
from jobs.warehouse.tables import Warehouse
from schemas.tables import CATEGORY_ALIASES, CLEAN_LISTINGS, PREDICTIONS, REVIEW_DECISIONS
from training.registry import open_registry

RunIdArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="The publication to take back.")]
WithLaterOption = Annotated[
    bool, typer.Option("--with-later", help="Take back the later publications that stand on it as well.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Compute and print the summary, but publish nothing.")]


def revert(
    job: Job, run_id: RunIdArgument, with_later: WithLaterOption = False, dry_run: DryRunOption = False
) -> Summary:
    """Take a publication back.

    Publishes the state without it, as a new publication with its date: computed again from the listings, taxonomy and
    model of the publication before it, with all decisions that people have made until now. The history stays, and
    nothing is deleted. Afterwards its date can be run again. A revert can itself be reverted.

    A publication on which later ones stand cannot be taken back by itself: --with-later takes them all back.

    Exit codes: 0 success; 1 failure, nothing was published; 2 invalid usage or settings; 3 refused,
    because somebody has switched corrections off meanwhile.
    """
    job.require_listings()
    warehouse, settings = job.warehouse, job.settings
    asked = find_publication(warehouse, run_id)
    published = publications(warehouse)
    undoing = find_undoing(published, asked, warehouse.location, with_later=with_later)
    newest, restored = undoing.undone[0], undoing.restored
    names = ", ".join(each.run_id for each in undoing.undone)
    base = find_base(warehouse, restored)
    with run_context(job, published[-1].run_date, dry_run) as run, ExitStack() as at_end:
        run.reverts = newest.run_id
        known = publications(warehouse, ended=True)
        run.pins = pins = Pins(
            restored.model_version,
            restored.listings_version,
            restored.taxonomy_version,
            warehouse.version(REVIEW_DECISIONS),
            restored.run_id,
            restored.version(CATEGORY_ALIASES),
        )
        registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
        model = registry.model(pins.model_version)
        key_of_model(warehouse, settings.privacy, model)
        job.print_progress(f"{run.run_id}: taking back {names}, restoring the state of {restored.run_id}")
        catalogue = read_catalogue(warehouse, pins, at_end)
        at_end.callback(warehouse.unstage, run.run_id)
        part = None
        if restored.job == "backfill" and base is not None:
            chosen = _decided_by(warehouse, restored, catalogue, pins)
            part = divide(warehouse, base, chosen, catalogue.taxonomy, at_end)
        # With the base and the date of the restored publication, the same input gives the same state.
        basis = Basis(model, pins, restored, run.run_id, base, published[-1], restored.run_date)
        scored, result = judge(run, catalogue, basis, at_end, part)
        run.counts |= (
            count_rows(warehouse, catalogue, scored, result, pins) if part is None else count_part(part, scored, result)
        )
        by_event = {row.event: int(row["count"]) for row in result.events.groupBy("event").count().collect()}
        if not dry_run:
            job.print_progress("publishing")
            refuse_if_switched_off(warehouse, run.switch)
            # The publications since have deleted predictions of content that is now current again. What a killed revert
            # has written does not count, because this one replaces it.
            keys = ["listing_id", "content_hash", "model_version"]
            standing = [each.run_id for each in known if (each.job, each.run_date) == (job.name, run.run_date)]
            own_slice = (F.col("job") == job.name) & (F.col("run_date") == F.lit(run.run_date))
            kept = warehouse.read(PREDICTIONS).where(~own_slice | F.col("run_id").isin(standing))
            needed = scored.all if part is None else scored.all.unionByName(part.predictions)
            lost = needed.join(kept.select(*keys), keys, "left_anti")
            own = Slice(job.name, run.run_id, run.run_date)
            clean = with_texts(result.own, catalogue.all_columns)
            tables = result.tables(lost, catalogue.quarantined, [], clean)
            written = tables if part is None else part.complete(warehouse, own, tables)
            publish(warehouse, own, written)
            run.published_versions = table_versions(warehouse, pins, run.run_id, written)
    changed = [(event, by_event.get(event, 0)) for event in ("begun", "changed", "ended")]
    title = f"{names} taken back"
    again = f"catalog-cleaner nightly --run-date {newest.run_date} --warehouse {warehouse.location}"
    return Summary(
        f"Dry run, nothing published: {title}" if dry_run else title,
        {"run_id": run.run_id, "reverts": names, "restores": restored.run_id, **run.counts},
        (Section("corrections", ("event", "listings"), changed),),
        (
            *describe_corrections(run),
            *describe_settings(decider(restored, known), settings.digest),
            *((f"To run the date again:  {again}",) if newest.job != "backfill" else ()),
            "The listings themselves are as delivered: the next night judges them again.",
        ),
    )


def describe_settings(restored: Publication, digest: str) -> tuple[str, ...]:
    """What to say if a revert decides with other settings than what it restores; nothing if they are the same.

    Args:
        restored: the publication that has decided the restored state.
        digest: of the revert's settings.
    """
    if restored.settings_hash in (None, digest):
        return ()
    said = (
        f"The settings are not those of {restored.run_id}, so listings can be shown otherwise than it showed them, "
        "such as corrected although its rollout kept them in the shadow. To restore what it showed, revert with "
        "the --profile and --set of that run."
    )
    return (said,)


def _decided_by(warehouse: Warehouse, restored: Publication, catalogue: Catalogue, pins: Pins) -> DataFrame:
    """The listings that an applied backfill has decided, and those about which people have decided."""
    decided = restored.read(warehouse, CLEAN_LISTINGS).where(F.col("run_id") == restored.run_id).select("listing_id")
    ids = decided.unionByName(read_pinned(warehouse, REVIEW_DECISIONS, pins.decisions_version).select("listing_id"))
    return catalogue.listings.join(ids, "listing_id", "left_semi")


main = as_command("revert", revert)

if __name__ == "__main__":
    run_command(main)
