"""Scores and decides listings for a publication: what nights, reverts and applied backfills share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.safety_settings import RolloutSettings
from jobs.cleaning.clean import Cleaned, clean
from jobs.cleaning.duplicates import find_duplicates
from jobs.cleaning.evidence import add_label_evidence, follow_labels
from jobs.cleaning.explanations import explain_decisions
from jobs.cleaning.part import Part
from jobs.cleaning.scoring import Scored, score
from jobs.cleaning.steps.attributes import attribute_suggestions
from jobs.cleaning.steps.history import correction_events
from jobs.cleaning.steps.selection import split_usable, without_texts
from jobs.lifecycle.correction_switch import read_switch
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.inputs import read_decisions, read_pinned
from jobs.warehouse.listings import narrow, read_successors, with_taxonomy
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.successors import Successors
from schemas.tables import ATTRIBUTE_SUGGESTIONS, CATEGORY_ALIASES, CLEAN_LISTINGS, LISTINGS, TAXONOMY
from training.models import Model

_NAMED = 5


@dataclass(frozen=True)
class Catalogue:
    """The listings in force at pinned versions.

    Attributes:
        listings: the usable ones, with the columns of `without_texts` and updated_at; cached.
        quarantined: rows of quarantine for the others; cached.
        taxonomy: the pinned taxonomy; cached.
        all_columns: the usable listings with their texts and `in_taxonomy`, without pictures.
        successors: former categories, with those that have taken their places.
    """

    listings: DataFrame
    quarantined: DataFrame
    taxonomy: DataFrame
    all_columns: DataFrame
    successors: Successors


def read_catalogue(warehouse: Warehouse, pins: Pins, at_end: ExitStack) -> Catalogue:
    """Read the catalogue at pinned versions. Caches are released at the end."""
    usable, quarantined = split_usable(narrow(warehouse.read(LISTINGS, pins.listings_version)))
    # A dozen queries of a night read it, and of an uncached Delta table each would list the files.
    taxonomy = cached(warehouse.read(TAXONOMY, pins.taxonomy_version), at_end)
    aliases = read_pinned(warehouse, CATEGORY_ALIASES, pins.aliases_version)
    all_columns = with_taxonomy(usable, taxonomy, aliases)
    listings = cached(without_texts(all_columns, "updated_at"), at_end)
    return Catalogue(listings, cached(quarantined, at_end), taxonomy, all_columns, read_successors(aliases))


@dataclass(frozen=True)
class Basis:
    """What listings are judged with.

    Attributes:
        model: the pinned model.
        pins: the table versions to read.
        scored_by: the publication whose predictions are reused; None: all listings are scored.
        stage: name of the staged predictions.
        base: the publication on which the state is based; None for the first run.
        shown: the publication that readers see until then, with which corrections are compared.
        run_date: the date for which listings are decided.
    """

    model: Model
    pins: Pins
    scored_by: Publication | None
    stage: str
    base: Publication | None
    shown: Publication | None
    run_date: dt.date


def check_rollout(settings: RolloutSettings, categories: Collection[str]) -> None:
    """Check that the taxonomy has the categories that the rollout names.

    Args:
        settings: the rollout.
        categories: the codes of the taxonomy.

    Raises:
        UsageError: it lacks one. Otherwise a mistyped category would be corrected in place of being in the shadow.
    """
    unknown = sorted(settings.categories.keys() - set(categories))
    if unknown:
        raise UsageError(
            f"rollout.categories names {', '.join(map(repr, unknown))}, which the taxonomy does not have: use the "
            "codes of the table taxonomy."
        )


def changed_categories(model: Model, categories: Collection[str], successors: Successors) -> list[str]:
    """What has changed in the taxonomy since a model was trained, in sentences; usually nothing.

    Args:
        model: the model.
        categories: the codes of the taxonomy.
        successors: former categories, with those that have taken their places.
    """
    known = {successors.get(category, category) for category in model.spec.categories}
    parts = {
        "takes for former ones (replaced_by)": {successors[c] for c in model.spec.categories if c in successors},
        "cannot suggest before the next training": set(categories) - known,
        "may no longer suggest": known - set(categories),
    }
    return [f"categories that model {model.version} {words}: {_some(found)}" for words, found in parts.items() if found]


def _some(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"


def judge(
    run: RunContext, catalogue: Catalogue, basis: Basis, at_end: ExitStack, part: Part | None = None
) -> tuple[Scored, Cleaned]:
    """Score and decide listings.

    Args:
        run: the run.
        catalogue: the catalogue at the pinned versions.
        basis: what they are judged with.
        at_end: releases caches.
        part: the listings to decide; the others stay as they are. None: all are decided.
    """
    model, pins = basis.model, basis.pins
    warehouse, settings = run.job.warehouse, run.job.settings
    categories = [row.category for row in catalogue.taxonomy.select("category").collect()]
    check_rollout(settings.rollout, categories)
    for news in changed_categories(model, categories, catalogue.successors):
        run.job.print_progress(news)
    chosen = catalogue.listings if part is None else part.chosen
    scored = score(run.job, chosen, model, pins, basis.scored_by, basis.stage, part=part is not None)
    listings, predictions = chosen, scored.all
    if part is not None:
        of_model = part.predictions.where(F.col("model_version") == model.version)
        listings, predictions = chosen.unionByName(part.others), predictions.unionByName(of_model)
    successors = catalogue.successors
    model = follow_labels(model, successors)
    evidence = add_label_evidence(listings, predictions, catalogue.taxonomy, successors, model, settings.decide)
    encoder = model.spec.encoder
    found = find_duplicates(
        run.job, catalogue.listings, catalogue.all_columns, scored, encoder, basis.scored_by, basis.base, at_end
    )
    evidence = evidence.join(found.listings, "listing_id", "left")
    if part is not None:
        # Stored, because planning would take longer: all that follows would contain the plan several times.
        stage = f"{run.run_id}-evidence"
        at_end.callback(warehouse.unstage, stage)
        evidence = warehouse.stage(stage, evidence.join(part.kept, "listing_id", "left"))
    run.job.print_progress("deciding categories")
    run.switch = read_switch(warehouse)
    run.corrections = settings.decide.corrections and run.switch.is_on
    settings = replace(settings, decide=replace(settings.decide, corrections=run.corrections))
    reviewed = read_decisions(warehouse, pins.decisions_version, successors)
    cleaned = clean(warehouse, evidence, catalogue.taxonomy, model, reviewed, basis.base, basis.run_date, settings)
    result = replace(at_end.enter_context(cleaned), pairs=found.pairs, successors=successors)
    explanations = explain_decisions(
        run, result, catalogue.all_columns, scored.all, catalogue.taxonomy, model, basis.scored_by, at_end
    )
    result = replace(result, explanations=explanations)
    if model.attributes.heads or warehouse.exists(ATTRIBUTE_SUGGESTIONS):
        suggested = attribute_suggestions(scored.all, catalogue.all_columns, model.attributes)
        result = replace(result, attributes=cached(suggested, at_end))
    if basis.shown is not None and basis.shown != basis.base:
        events = correction_events(result.decided, basis.shown.read(warehouse, CLEAN_LISTINGS))
        result = replace(result, events=cached(events, at_end))
    return scored, result
