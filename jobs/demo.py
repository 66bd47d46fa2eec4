"""`catalog-cleaner demo`: makes a catalogue with known truth, cleans it, and shows what became of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from conf.settings import Settings
from jobs.console.job import Job, open_job
from jobs.console.options import JsonOption, ProfileOption, SetOption
from jobs.console.summary import Section, Summary
from jobs.ingest import ingest
from jobs.nightly import nightly
from jobs.reporting.truth import Verdict, judge
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
    str, typer.Option("--warehouse", metavar="PATH", help="The folder to make; an earlier demo's is made anew.")
]
ListingsOption = Annotated[int, typer.Option("--listings", min=200, help="How many listings to make.")]
CategoriesOption = Annotated[int, typer.Option("--categories", min=2, help="Of how many categories.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Another seed makes another catalogue.")]


def main(
    warehouse: DemoWarehouseOption = "demo-warehouse",
    listings: ListingsOption = 3000,
    categories: CategoriesOption = 24,
    seed: SeedOption = 7,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a catalogue with every fault planted, clean it, and hold the result against the truth.

    Everything happens in one folder: the catalogue as files, and the warehouse's tables beside it.
    """
    with open_job("demo", warehouse, profile, overrides, as_json) as opened:
        job = replace(opened, settings=_hasten(opened.settings))
        folder = _fresh_folder(warehouse)
        source = folder / "catalogue"
        job.say(f"making {listings:,} listings of {categories} categories in {source}")
        write_catalogue(source, CatalogueSpec(listings=listings, categories=categories, seed=seed))
        ingest(replace(job, name="ingest"), str(source / "listings.parquet"), str(source / "taxonomy.csv"))
        train(replace(job, name="train"))
        cleaned = nightly(replace(job, name="nightly"), job.started_at.date())
        job.say("holding the result against the truth")
        job.finish(_summary(job, judge(job.warehouse, source), cleaned))


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


def _fresh_folder(warehouse: str) -> Path:
    """The demo's folder, empty.

    Raises:
        UsageError: there is something else in its place.
    """
    folder = Path(warehouse)
    mark = folder / _MARK
    if folder.exists() and not mark.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(
            f"--warehouse {warehouse}: exists and is not an earlier demo's; name a folder that is not there."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    return folder


def _summary(job: Job, verdict: Verdict, cleaned: Summary) -> Summary:
    place = job.warehouse.location
    facts = {
        "listings": verdict.listings,
        "wrong_before": f"{verdict.wrong_before:.1%}",
        "wrong_after": f"{verdict.wrong_after:.1%}  (no person has looked yet)",
        "wrong_after_review": f"{verdict.wrong_after_review:.1%}  (people settle {verdict.asked:,} of them)",
        "corrected": verdict.corrected,
        "corrections_right": f"{verdict.corrections_right:.1%}",
        "flagged": cleaned.facts["flagged"],
        "seconds": round(verdict.seconds(job.started_at)),
    }
    return Summary(
        "A catalogue, cleaned",
        facts,
        (
            Section(
                "what people are asked to look at", ("reason", "planted", "flagged", "found", "right"), verdict.reasons
            ),
            Section(
                "some corrections", ("seller said", "corrected to", "right", "confidence", "title"), verdict.examples
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


if __name__ == "__main__":
    typer.run(main)
