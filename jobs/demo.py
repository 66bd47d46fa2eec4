"""`catalog-cleaner demo`: generate a catalogue with known errors, clean it, and compare the result with the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from jobs.cleaning.steps.reason_rules import RULES
from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Share, Summary
from jobs.ingest import ingest
from jobs.nightly import nightly
from jobs.reporting.truth import TruthComparison, compare_with_truth
from jobs.train import train
from schemas.errors import UsageError

_ATTRIBUTES = {"colour": "colour"}
_MARKER = "made-by-catalog-cleaner-demo"

DemoWarehouseOption = Annotated[
    str,
    typer.Option("--warehouse", metavar="PATH", help="Folder to create; the output of an earlier demo is replaced."),
]
ListingsOption = Annotated[int, typer.Option("--listings", min=200, metavar="N", help="Number of listings.")]
CategoriesOption = Annotated[int, typer.Option("--categories", min=2, metavar="N", help="Number of categories.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed of the catalogue.")]


def demo(
    job: Job,
    warehouse: DemoWarehouseOption = "demo-warehouse",
    listings: ListingsOption = 3000,
    categories: CategoriesOption = 24,
    seed: SeedOption = 7,
) -> Summary:
    """Generate a catalogue, clean it and compare the result with the truth.

    Runs ingest, train and nightly. The generated files and the tables are written to one folder.
    """
    generate = _load_generator()
    source = _fresh_folder(job.address.folder, warehouse) / "catalogue"
    job.print_progress(f"generating {listings:,} listings in {categories} categories in {source}")
    generate(source, listings, categories, seed)
    ingest(_delivery(job), str(source / "listings.parquet"), str(source / "taxonomy.csv"))
    train(job.step("train"))
    cleaned = nightly(job.step("nightly"), job.started_at.date())
    job.print_progress("comparing the result with the truth")
    return _summary(job, compare_with_truth(job.warehouse, source), cleaned)


def _delivery(job: Job) -> Job:
    """The job of the step ingest, which loads the column colour as well."""
    step = job.step("ingest")
    settings = replace(step.settings, ingest=replace(step.settings.ingest, attributes=_ATTRIBUTES))
    return replace(step, settings=settings)


def _load_generator() -> Callable[[Path, int, int, int], None]:
    """Import the function that writes a catalogue. Its arguments are folder, listings, categories and seed.

    Raises:
        UsageError: the generator is not installed.
    """
    try:
        from catalogue_generator.catalogue import write_catalogue  # noqa: PLC0415 - not in the zip for spark-submit
        from catalogue_generator.spec import CatalogueSpec  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            "the demo needs the package catalogue_generator, which is not in the zip for spark-submit: run "
            "`make demo` in a checkout, or install the wheel and run `catalog-cleaner demo`."
        ) from error
    return lambda folder, listings, categories, seed: write_catalogue(
        folder, CatalogueSpec(listings=listings, categories=categories, seed=seed, details=True)
    )


def _fresh_folder(folder: Path | None, warehouse: str) -> Path:
    """Create the demo's folder, or empty it if it exists.

    Args:
        folder: the warehouse's local folder; None if the warehouse is elsewhere.
        warehouse: the value of `--warehouse`, for messages.

    Raises:
        UsageError: the warehouse is not a local folder, or the folder was not created by the demo.
    """
    if folder is None:
        raise UsageError(f"--warehouse {warehouse}: the demo needs a local folder; give the path of one.")
    marker = folder / _MARKER
    if folder.exists() and not marker.exists() and any(folder.iterdir()):
        raise UsageError(
            f"--warehouse {warehouse}: the folder is not empty and was not created by the demo; give the path of "
            "another folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()
    return folder


def _summary(job: Job, truth: TruthComparison, cleaned: Summary) -> Summary:
    location = job.warehouse.location
    facts = {
        "listings": truth.listings,
        "wrong_before": Share(truth.wrong_before),
        "wrong_after": Share(truth.wrong_after),
        "wrong_after_tenth": Share(truth.wrong_after_tenth),
        "wrong_after_review": Share(truth.wrong_after_review),
        "corrected": truth.corrected,
        "corrections_right": Share(truth.corrections_right),
        "flagged": cleaned.facts["flagged"],
        "seconds": round(truth.seconds(job.started_at)),
    }
    return Summary(
        "Demo: a generated catalogue, cleaned",
        facts,
        (
            Section(
                "reasons on the work list (found: recall, right: precision)",
                ("reason", "planted", "flagged", "found", "right"),
                truth.reasons,
                key="what people are asked to look at",
            ),
            Section(
                "examples of corrections",
                ("seller said", "corrected to", "right", "confidence", "title"),
                truth.examples,
                key="some corrections",
            ),
            *cleaned.sections[1:],
        ),
        (
            *_not_computed([row[0] for row in truth.reasons]),
            f"The tables are Delta folders in {location}: clean_listings, flagged_items, corrections, sellers, ...",
            f"Report with pictures:  catalog-cleaner report --warehouse {location} --html report.html",
            f"Review on a page:      catalog-cleaner review serve --warehouse {location}",
            f"List of runs:          catalog-cleaner runs --warehouse {location}",
            "Query the tables:      from jobs.store import read_published   (see README.md)",
        ),
        notes={
            "wrong_after": "before any review",
            "wrong_after_tenth": f"after people review {_most_urgent(truth.tenth, truth)}",
            "wrong_after_review": f"after people review {_most_urgent(truth.to_review, truth)}",
        },
    )


def _not_computed(reasons: Sequence[str]) -> list[str]:
    """Say which of the reasons no rule looks for yet."""
    missing = sorted(set(reasons) - {reason.value for reason in RULES})
    return [f"No rule looks for {', '.join(missing)} yet."] if missing else []


def _most_urgent(count: int, truth: TruthComparison) -> str:
    return f"the {count:,} most urgent listings, {Share(count / truth.listings)} of the catalogue"


main = as_command("demo", demo)

if __name__ == "__main__":
    run_command(main)
