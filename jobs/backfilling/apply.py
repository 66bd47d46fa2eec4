"""Decides listings of today's catalogue anew, and publishes the result: a night's work for a part of the catalogue."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from pyspark.sql import DataFrame

from jobs.backfilling.choosing import Chosen, Selection, choose
from jobs.cleaning.clean import Cleaned
from jobs.cleaning.gates import check_input, check_output, refuse_if_failed, unreadable_share
from jobs.cleaning.judging import Basis, judge, read_catalogue
from jobs.cleaning.limits import check_limits
from jobs.cleaning.part import divide
from jobs.cleaning.run_summary import count_part, describe_corrections, shown_threshold
from jobs.cleaning.steps.selection import input_gate_rows, with_texts
from jobs.console.job import Job
from jobs.console.summary import Section, Share, Summary
from jobs.features.encoders import bundled_encoder
from jobs.features.encoding import encode_pictures
from jobs.lifecycle.correction_switch import refuse_if_switched_off
from jobs.lifecycle.pins import Pins, table_versions
from jobs.lifecycle.pseudonym_key import key_of_model
from jobs.lifecycle.publications import Publication, find_publication
from jobs.lifecycle.publish import Slice, publish
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.warehouse.inputs import input_versions
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.metrics import ERROR_LEFT
from schemas.tables import REVIEW_DECISIONS
from training.registry import open_registry


def apply_backfill(
    job: Job, selection: Selection, version: str | None, *, dry_run: bool, accept_changes: bool
) -> Summary:
    """Decide the chosen listings as a night would, and publish; all others stay as in the newest publication.

    Thresholds, the sellers' rates and the metrics are those of the whole catalogue. The publication has the date of the
    newest one, so that the next night is based on it.

    Args:
        job: the command's job.
        selection: which listings.
        version: the model that decides; None: the champion.
        dry_run: publish nothing.
        accept_changes: publish even if a limit on changes is exceeded.

    Raises:
        UsageError: nothing has been published yet, there is no such model, or no listing meets the selection.
        RefusedError: a gate or limit refuses the result.
        FailedError: another run has published in the meantime, another job holds the lock, or the model's pseudonyms
            were made with another key.
    """
    settings = job.settings
    registry = open_registry(job.address.folder, job.address.text, settings.registry)
    champion = registry.champion_version()
    model = registry.model(version or champion)
    warehouse = job.warehouse
    key_of_model(warehouse, settings.privacy, model)
    date = find_publication(warehouse).run_date
    with run_context(job, date, dry_run) as run, ExitStack() as at_end:
        base = find_publication(warehouse)
        run.run_date = base.run_date
        listings_version, taxonomy_version, aliases_version = input_versions(warehouse)
        decisions_version = warehouse.version(REVIEW_DECISIONS)
        run.pins = pins = Pins(
            model.version, listings_version, taxonomy_version, decisions_version, base.run_id, aliases_version
        )
        job.print_progress(f"{run.run_id}: {selection}, model {model.version}, based on {base.run_id}")
        catalogue = read_catalogue(warehouse, pins, at_end)
        checks = check_input(input_gate_rows(catalogue.listings, catalogue.quarantined), settings.gates)
        refuse_if_failed(checks)
        chosen = choose(catalogue.listings, selection)
        part = divide(warehouse, base, chosen.listings, catalogue.taxonomy, at_end)
        encode_pictures(run, bundled_encoder(model.bundle), listings_version, part.chosen)
        at_end.callback(warehouse.unstage, run.run_id)
        basis = Basis(model, pins, base, run.run_id, base, base, base.run_date)
        scored, result = judge(run, catalogue, basis, at_end, part)
        run.counts |= count_part(part, scored, result) | {"chosen": chosen.count}
        unreadable = unreadable_share(base.own_metrics(warehouse))
        checks += check_output(result.gate_rows, run.counts["listings"], unreadable, settings.gates)
        refuse_if_failed(checks)
        changes, refusal = check_limits(run, result, base, accepted=accept_changes)
        checks += changes
        if refusal is not None and not dry_run:
            raise refusal
        summary = _summarise(run, result, chosen, selection, base, champion, dry_run)
        summary = replace(summary, error=refusal)
        if not dry_run:
            job.print_progress("publishing")
            refuse_if_switched_off(warehouse, run.switch)
            own = Slice(job.name, run.run_id, run.run_date)
            clean = with_texts(result.own, catalogue.all_columns)
            nothing = catalogue.quarantined.limit(0)  # the next night accounts for them
            tables = result.tables(scored.new, nothing, checks, clean)
            _refuse_if_overtaken(warehouse, base)
            written = part.complete(warehouse, own, tables)
            publish(warehouse, own, written)
            run.published_versions = table_versions(warehouse, pins, run.run_id, written)
    return summary


def _refuse_if_overtaken(warehouse: Warehouse, base: Publication) -> None:
    """Refuse to publish over a newer publication. Lock and lease prevent it, unless `lock.external` is set.

    Raises:
        FailedError: the publication on which the run is based is no longer the newest.
    """
    newest = find_publication(warehouse)
    if newest.run_id != base.run_id:
        raise FailedError(
            f"{newest.run_id} was published while this run was based on {base.run_id}. Nothing was published, so that "
            "no newer decision is overwritten: run the command again."
        )


def _summarise(
    run: RunContext,
    result: Cleaned,
    chosen: Chosen,
    selection: Selection,
    base: Publication,
    champion: str,
    dry_run: bool,
) -> Summary:
    events, actions = _sizes(result.events, "event"), _sizes(result.own, "category_action")
    left = (
        result.metrics.where(f"dimension = 'all' AND metric = '{ERROR_LEFT}' AND source = 'model'").collect()[0].value
    )
    facts: dict[str, object] = {
        "run_id": run.run_id,
        "model_version": result.model_version,
        "champion": champion,
        "based_on": base.run_id,
        "chosen": chosen.count,
        **{f"unknown_{column}": number for column, number in chosen.unknown.items()},
        **{name: count for name, count in run.counts.items() if name.startswith("rows_")},
        "listings": run.counts["listings"],
        "changed": run.counts["changed"],
        "limits": run.limits,
        "correction_threshold": shown_threshold(result),
        f"{ERROR_LEFT}_by_model": Share(round(left, 4)),
    }
    hints = [*describe_corrections(run), f"All other listings are as {base.run_id} has published them."]
    if result.model_version != champion:
        hints.append(
            f"Model {result.model_version} is not the champion: the next night judges these listings again with model "
            f"{champion}."
        )
    if not dry_run:
        hints.append(f"To take it back:  catalog-cleaner revert {run.run_id} --warehouse {run.job.warehouse.location}")
    title = f"Decided again: {selection}"
    return Summary(
        f"Dry run, nothing published: {title}" if dry_run else title,
        facts,
        (
            Section("the chosen listings", ("action", "listings"), actions, key="actions"),
            Section("corrections", ("event", "listings"), events),
        ),
        hints,
        hidden_if_zero=("rows_superseded", "rows_quarantined", *(f"unknown_{column}" for column in chosen.unknown)),
    )


def _sizes(rows: DataFrame, column: str) -> list[tuple[str, int]]:
    """The values of a column with the number of rows, sorted."""
    return [(row[0], int(row["count"])) for row in rows.groupBy(column).count().orderBy(column).collect()]
