"""`catalog-cleaner train`: trains a model on the catalogue; a better one becomes champion."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from jobs.cleaning.steps.reviews import standing_decisions, with_decisions
from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.options import parse_date
from jobs.console.progress import StageProgress
from jobs.console.summary import Section, Summary
from jobs.lifecycle.run_context import WORK_FOLDER, run_context
from jobs.warehouse.listings import in_force
from schemas.errors import BundleFormatError, UsageError
from schemas.tables import LISTINGS, REVIEW_DECISIONS, TAXONOMY
from training.comparison import Comparison
from training.evaluation import evaluate
from training.registry import Registry, open_registry
from training.taxonomy import TaxonomyCategory
from training.train import TrainedBundle, train_bundle

TrainDateOption = Annotated[
    dt.date | None,
    typer.Option(
        "--run-date", parser=parse_date, metavar="YYYY-MM-DD", help="The date to record for the run; today by default."
    ),
]


def train(job: Job, run_date: TrainDateOption = None) -> Summary:
    """Train a model; it becomes champion only if it is better.

    It learns from sellers' labels and reviewers' decisions.

    Exit codes: 0 done (whether or not the model became champion), 1 failed, 2 wrong usage or settings.
    """
    warehouse, settings = job.warehouse, job.settings
    with run_context(job, run_date or job.started_at.date(), exclusive=False) as run:
        registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
        version, taxonomy_version = warehouse.version(LISTINGS), warehouse.version(TAXONOMY)
        if version is None or taxonomy_version is None:
            raise UsageError(f"{warehouse.location} holds no listings: run `catalog-cleaner ingest` first.")
        decisions = standing_decisions(warehouse.read(REVIEW_DECISIONS))
        listings = with_decisions(in_force(warehouse.read(LISTINGS, version)), decisions)
        taxonomy = warehouse.read(TAXONOMY, taxonomy_version).select("category", "parent", "department").collect()
        categories = [TaxonomyCategory(*row) for row in taxonomy]
        # Before the training: a registry that does not answer must not cost one.
        champion = _champion(registry, job.say)
        work = _work_folder(warehouse.folder, run.run_id)
        try:
            job.say(f"{run.run_id}: training on listings version {version}, {len(categories)} categories")
            with StageProgress(job.console, job.say) as shown:
                trained = train_bundle(
                    listings,
                    categories,
                    settings,
                    str(work),
                    planned=lambda plan: shown.plan(plan.stages),
                    progress=lambda epoch: shown.advance(epoch.what, epoch.loss, epoch.seconds),
                )
            job.say("comparing the model with the champion")
            comparison = evaluate(listings, trained.folder, champion, categories, settings)
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
                    "settings": settings.digest,
                },
            )
            if comparison.better:
                registry.promote(run.model_version)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        run.counts["rows_in"] = listings.count()
        run.counts["rows_current"] = int(trained.figures["rows"])
        run.counts["champion"] = int(comparison.better)
    return _summary(run.model_version, trained, comparison, warehouse.location)


def _work_folder(warehouse: Path | None, run_id: str) -> Path:
    """A new folder that all nodes see: inside the warehouse, if that is a folder."""
    if warehouse is None:
        return Path(tempfile.mkdtemp(prefix=run_id))
    work = warehouse / WORK_FOLDER / run_id
    work.mkdir(parents=True)
    return work


def _champion(registry: Registry, say: Callable[[str], None]) -> tuple[str, str] | None:
    """The champion's version and its bundle's folder; None if there is none, or none that can be compared with."""
    version = registry.find_champion()
    if version is None:
        return None
    try:
        return version, registry.model(version).bundle
    except BundleFormatError as error:
        say(f"the new model replaces champion {version} without a comparison: {error}")
        return None


def _summary(version: str, trained: TrainedBundle, comparison: Comparison, place: str) -> Summary:
    facts: dict[str, object] = {
        "model_version": version,
        "champion": comparison.better,
        "text_members": trained.plan.text_members,
        "image_members": trained.plan.image_members,
        **{name: round(value, 4) for name, value in (trained.figures | comparison.figures).items()},
    }
    curves = [(branch, len(losses), min(losses)) for branch, losses in trained.curves.items() if losses]
    promote = f"models promote {version} --warehouse {place}"
    next_step = f"Clean the catalogue with it:  catalog-cleaner nightly --warehouse {place} --run-date YYYY-MM-DD"
    stays = f"The champion stays, because the new model is not better. To use it anyway:  catalog-cleaner {promote}"
    return Summary(
        f"Model {version} trained: " + ("it is the new champion" if comparison.better else "the champion stays"),
        facts,
        (Section("branches", ("branch", "epochs", "best loss"), curves),),
        (next_step if comparison.better else stays,),
    )


main = as_command("train", train)

if __name__ == "__main__":
    typer.run(main)
