"""`catalog-cleaner demo`: generate a catalogue with known errors, clean it, and compare the result with the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from conf.settings import Settings
from jobs.console.command import as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.ingest import ingest
from jobs.nightly import nightly
from jobs.reporting.truth import TruthComparison, compare_with_truth
from jobs.train import train
from schemas.errors import UsageError

_MARK = "made-by-catalog-cleaner-demo"
_DRAWING = 32
"""Pixels: the drawn pictures say as much at this size as at the usual one, in half the time."""
_MEMBERS = 2
"""Of the picture branch, where the settings leave it open: fewer than such a small catalogue would get, for time."""
_EPOCHS = 15
"""Likewise: half of what it would get."""

DemoWarehouseOption = Annotated[
    str, typer.Option("--warehouse", metavar="PATH", help="The folder to create; an earlier demo in it is replaced.")
]
ListingsOption = Annotated[int, typer.Option("--listings", min=200, help="How many listings to generate.")]
CategoriesOption = Annotated[int, typer.Option("--categories", min=2, help="How many categories they are in.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Random seed; another seed gives another catalogue.")]


def demo(
    job: Job,
    warehouse: DemoWarehouseOption = "demo-warehouse",
    listings: ListingsOption = 3000,
    categories: CategoriesOption = 24,
    seed: SeedOption = 7,
) -> Summary:
    """Clean a generated catalogue and compare it with the truth.

    Everything is written to one folder: the catalogue as files, and the warehouse's tables beside it.
    """
    generate = _generator()
    job = replace(job, settings=_hasten(job.settings))
    source = _fresh_folder(job.warehouse.folder, warehouse) / "catalogue"
    job.say(f"generating {listings:,} listings in {categories} categories in {source}")
    generate(source, listings, categories, seed)
    ingest(replace(job, name="ingest"), str(source / "listings.parquet"), str(source / "taxonomy.csv"))
    train(replace(job, name="train"))
    cleaned = nightly(replace(job, name="nightly"), job.started_at.date())
    job.say("comparing the result with the truth")
    return _summary(job, compare_with_truth(job.warehouse, source), cleaned)


def _generator() -> Callable[[Path, int, int, int], None]:
    """Writes a catalogue: folder, listings, categories, seed.

    Raises:
        UsageError: the generator is not installed.
    """
    try:
        from catalogue_generator.catalogue import write_catalogue  # noqa: PLC0415 - not in the zip for spark-submit
        from catalogue_generator.spec import CatalogueSpec  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            "the demo needs the package catalogue_generator, which the zip for spark-submit leaves out: run "
            "`make demo` in a checkout, or install the wheel and run `catalog-cleaner demo`."
        ) from error
    return lambda folder, listings, categories, seed: write_catalogue(
        folder, CatalogueSpec(listings=listings, categories=categories, seed=seed)
    )


def _hasten(settings: Settings) -> Settings:
    """Settings with which drawn pictures are learnt in a minute or two."""
    picture = replace(
        settings.picture, height=min(settings.picture.height, _DRAWING), width=min(settings.picture.width, _DRAWING)
    )
    learning = replace(
        settings.train,
        image_members=settings.train.image_members or _MEMBERS,
        image_epochs=settings.train.image_epochs or _EPOCHS,
    )
    return replace(settings, picture=picture, train=learning)


def _fresh_folder(folder: Path | None, warehouse: str) -> Path:
    """The demo's folder, emptied.

    Args:
        folder: the warehouse's folder on this machine; None where the warehouse is elsewhere.
        warehouse: its address, for messages.

    Raises:
        UsageError: the warehouse is no local folder, or it holds something else.
    """
    if folder is None:
        raise UsageError(f"--warehouse {warehouse}: the demo writes to a folder of this machine; name one.")
    mark = folder / _MARK
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        raise UsageError(
            f"--warehouse {warehouse}: exists and was not made by the demo; name a folder that does not exist."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    return folder


def _summary(job: Job, truth: TruthComparison, cleaned: Summary) -> Summary:
    place = job.warehouse.location
    facts = {
        "listings": truth.listings,
        "wrong_before": f"{truth.wrong_before:.1%}",
        "wrong_after": f"{truth.wrong_after:.1%}  (before anybody reviews a listing)",
        "wrong_after_tenth": f"{truth.wrong_after_tenth:.1%}  (if people review {_part(truth.tenth, truth)})",
        "wrong_after_review": f"{truth.wrong_after_review:.1%}  (if people review {_part(truth.asked, truth)})",
        "corrected": truth.corrected,
        "corrections_right": f"{truth.corrections_right:.1%}",
        "flagged": cleaned.facts["flagged"],
        "seconds": round(truth.seconds(job.started_at)),
    }
    return Summary(
        "A catalogue, cleaned",
        facts,
        (
            Section(
                "what people are asked to look at", ("reason", "planted", "flagged", "found", "right"), truth.reasons
            ),
            Section(
                "some corrections", ("seller said", "corrected to", "right", "confidence", "title"), truth.examples
            ),
            *cleaned.sections[1:],
        ),
        (
            f"The tables are Delta folders in {place}: clean_listings, flagged_items, corrections, sellers, ...",
            f"See it with pictures:  catalog-cleaner report --warehouse {place} --html report.html",
            f"What ran:              catalog-cleaner runs --warehouse {place}",
            "Query it:              from jobs.store import read_published   (docs/tables.md shows how)",
        ),
    )


def _part(count: int, truth: TruthComparison) -> str:
    """The most urgent listings whose category people are asked about."""
    return f"the {count:,} most urgent listings, {count / truth.listings:.0%} of the catalogue"


main = as_command("demo", demo)

if __name__ == "__main__":
    typer.run(main)
