"""`catalog-cleaner train`: train a model, which becomes champion if it is better than the present one."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conf.settings import TrainSettings
from jobs.cleaning.label_errors import LabelErrors, describe_share
from jobs.cleaning.steps.duplicates import with_duplicate_buckets
from jobs.cleaning.steps.reviews import (
    latest_decisions,
    standing_decisions,
    with_answers_to_both,
    with_decisions,
    without_disputed,
)
from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import parse_date
from jobs.console.progress import StageProgress
from jobs.console.summary import Estimate, Section, Share, Summary
from jobs.features.encoders import refuse_wrong_encoders
from jobs.features.stored import with_vectors
from jobs.features.updating import encoders_in_use, update_features
from jobs.ingestion.suppressions import read_suppressions
from jobs.lifecycle.pseudonym_key import create_key
from jobs.lifecycle.publications import publications
from jobs.lifecycle.run_context import WORK_FOLDER, RunContext, run_context
from jobs.warehouse.inputs import input_versions, read_decisions, read_pinned
from jobs.warehouse.listings import in_force, read_successors, with_taxonomy
from schemas.errors import UsageError
from schemas.tables import CATEGORY_ALIASES, CLEAN_LISTINGS, LISTINGS, REVIEW_DECISIONS, TAXONOMY
from training.card_data import card_data
from training.comparison import Comparison
from training.evaluation import evaluate
from training.model_card import model_card
from training.plan import Plan
from training.registry import Registry, open_registry
from training.taxonomy import TaxonomyCategory
from training.train import TrainedBundle, train_bundle

TrainDateOption = Annotated[
    dt.date | None,
    typer.Option(
        "--run-date", parser=parse_date, metavar="YYYY-MM-DD", help="Date to record for the run; default: today."
    ),
]

_SHARES = (
    "estimated_error",
    "estimated_error_before",
    "estimated_error_left",
    "error_rate",
    "mismatch_rate",
    "wrong_label_share",
    "wrong_label_share_error",
    "canaries_undone",
)
"""Ends of the names of figures that are shares of listings."""


def train(job: Job, run_date: TrainDateOption = None) -> Summary:
    """Train a model and promote it if it is better.

    Encodes new pictures, then learns from the sellers' categories and the reviewers' decisions. The new model is
    compared with the champion and becomes champion only if it is better, or as good and taught by many more of
    people's answers. The summary says what decided.

    Exit codes: 0 success, whether or not the model became champion; 1 failure; 2 invalid usage or settings.
    """
    settings = job.settings
    trainings = work_folder(job.address.folder, job.address.text, settings.train)
    refuse_wrong_encoders(settings)
    job.require_listings()
    warehouse = job.warehouse
    read_suppressions(warehouse, settings.privacy)  # a new key would make the suppression list useless
    key = create_key(warehouse, settings.privacy)
    with run_context(job, run_date or job.started_at.date(), exclusive=False) as run:
        registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
        version, taxonomy_version, aliases_version = input_versions(warehouse)
        aliases = read_pinned(warehouse, CATEGORY_ALIASES, aliases_version)
        reviewed = read_decisions(warehouse, warehouse.version(REVIEW_DECISIONS), read_successors(aliases))
        decisions = without_disputed(latest_decisions(standing_decisions(reviewed)), reviewed)
        taxonomy = warehouse.read(TAXONOMY, taxonomy_version)
        listings = with_taxonomy(in_force(warehouse.read(LISTINGS, version).drop("image")), taxonomy, aliases)
        listings = with_answers_to_both(with_decisions(listings, decisions), reviewed)
        published = next(reversed(publications(warehouse)), None)
        clean = published.read(warehouse, CLEAN_LISTINGS) if published else warehouse.empty(CLEAN_LISTINGS)
        listings = with_duplicate_buckets(listings, clean.where("duplicate_of IS NOT NULL"))
        categories = [TaxonomyCategory(*row) for row in taxonomy.select("category", "parent", "department").collect()]
        work = trainings / run.run_id
        work.mkdir(parents=True)
        try:
            # The champion is fetched before the training, so that an unavailable registry does not waste one. Its
            # encoder's vectors are needed for the comparison.
            compared_with = registry.find_champion()
            encoders = encoders_in_use(job, registry, version, work / "encoder")
            encoder, champion = encoders.configured, encoders.champion
            update_features(run, encoders.all, version, others=True)
            job.print_progress(f"{run.run_id}: training on listings version {version}, {len(categories)} categories")
            job.print_progress("writing the training set")
            with StageProgress(job.console, job.print_progress) as stages:

                def planned(plan: Plan, rows: int) -> None:
                    ranks = "1 rank" if settings.train.ranks == 1 else f"{settings.train.ranks} ranks"
                    job.print_progress(f"the training set has {rows:,} listings; starting {ranks}")
                    stages.plan(plan.stages)

                trained = train_bundle(
                    with_vectors(warehouse, listings, encoder.spec.identity),
                    categories,
                    encoder.folder,
                    settings,
                    str(work / "training"),
                    key,
                    planned=planned,
                    progress=lambda step: stages.advance(step.what, step.loss, step.seconds),
                )
            job.print_progress("comparing the model with the champion")
            rival = (champion.version, champion.bundle) if champion else None
            comparison = evaluate(
                listings, partial(with_vectors, warehouse), trained.folder, rival, categories, settings
            )
            run.refuse_erased()
            card = card_data(run.run_id, run.run_date, settings.digest, listings, categories, trained, comparison)
            run.model_version = registry.register(
                trained.folder,
                params=dataclasses.asdict(trained.plan),
                figures=trained.figures | comparison.figures,
                curves=trained.curves,
                by_category=comparison.by_category,
                tags={
                    "run_id": run.run_id,
                    "listings_version": str(version),
                    "taxonomy_version": str(taxonomy_version),
                    "duplicates_found_by": published.run_id if published else "none",
                    "settings": settings.digest,
                    "wrong_label_share_by": trained.share_source,
                    "decided_by": comparison.decided_by,
                },
                card=model_card(card),
            )
            promoted = comparison.better and promote_instead(registry, run.model_version, compared_with)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        run.counts["rows_in"] = card.listings
        run.counts["rows_current"] = int(trained.figures["rows"])
        run.counts["champion"] = int(promoted)
    return _summary(run, trained, comparison, promoted)


def promote_instead(registry: Registry, version: str, compared_with: str | None) -> bool:
    """Make a model the champion, unless another one than it was compared with has become champion in the meantime.

    A training holds neither lock nor lease while it learns, so another one, or a person, may have promoted a model.

    Args:
        registry: the models of the warehouse.
        version: the model, which is better than the one that it was compared with.
        compared_with: the champion when the training began; None: there was none.

    Returns:
        Whether the model is the champion now.
    """
    if registry.find_champion() != compared_with:
        return False
    registry.promote(version)
    return True


def work_folder(warehouse: Path | None, location: str, settings: TrainSettings) -> Path:
    """The folder in which each training has a folder for its dataset and models; all nodes can access it.

    Args:
        warehouse: the warehouse's folder; None if it is no local folder.
        location: the warehouse's address, for the message.
        settings: `work_folder`.

    Raises:
        UsageError: the warehouse is no local folder, and the setting that names one is missing or names no folder.
    """
    if settings.work_folder is not None:
        folder = Path(settings.work_folder)
        if not (folder.is_absolute() and folder.is_dir()):
            raise UsageError(f"train.work_folder = {folder}: it must be the absolute path of a folder that exists.")
        return folder
    if warehouse is None:
        raise UsageError(
            f"--warehouse {location}: it is no local folder, so the training set needs another place that the "
            "driver and all nodes can access, such as a network drive: name it with --set train.work_folder=/PATH."
        )
    return warehouse / WORK_FOLDER


def _summary(run: RunContext, trained: TrainedBundle, comparison: Comparison, promoted: bool) -> Summary:
    version, location = run.model_version, run.job.warehouse.location
    facts: dict[str, object] = {
        "run_id": run.run_id,
        "model_version": version,
        "champion": promoted,
        "decided_by": comparison.decided_by,
        "text_members": trained.plan.text_members,
        "image_members": trained.plan.text_members if trained.plan.pictures else 0,
        "wrong_label_share_by": trained.share_source,
        **{name: _figure(name, value) for name, value in (trained.figures | comparison.figures).items()},
    }
    losses = [(branch, min(curve)) for branch, curve in trained.curves.items() if curve]
    clean = f"Clean the catalogue with it:  catalog-cleaner nightly --run-date YYYY-MM-DD --warehouse {location}"
    promote = f"To use the new model anyway:  catalog-cleaner models promote {version} --warehouse {location}"
    if promoted:
        outcome = "it is the new champion"
    elif comparison.better:
        outcome = "it is better than the champion was, but another model has become champion in the meantime"
    else:
        outcome = "it is not better, so the champion stays"
    share = trained.noise.share
    known = describe_share(LabelErrors(Estimate(share.value, *share.interval), share.source)) if share else None
    attributes = [
        (
            head.name,
            len(head.values),
            head.listings,
            Share(head.suggested),
            Share(head.precision) if head.suggested else None,
        )
        for head in trained.attributes
    ]
    return Summary(
        f"Model {version} trained: {outcome}",
        facts,
        (
            Section("branches", ("branch", "out-of-sample loss"), losses),
            Section(
                "attributes (suggested: share of these listings for which a value is sure enough, out of sample)",
                ("attribute", "values", "listings", "suggested", "right"),
                attributes,
                key="attributes",
            ),
        ),
        tuple(filter(None, (known, clean if promoted else promote))),
    )


def _figure(name: str, value: float) -> float:
    """A figure for the summary: four decimals, and shares of listings as such."""
    return Share(round(value, 4)) if name.endswith(_SHARES) else round(value, 4)


main = as_command("train", train)

if __name__ == "__main__":
    run_command(main)
