"""`catalog-cleaner models`: which models there are, and which one is in force."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from jobs.console.job import Job, open_job
from jobs.console.options import JsonOption, ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Section, Summary
from jobs.lifecycle.run_context import run_context
from training.registry import Registry, open_registry

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="The model's version, as `models list` shows it.")
]

app = typer.Typer(help="List the models, put one in force, or go back to the one before.", no_args_is_help=True)


@app.command("list")
def list_models(
    warehouse: WarehouseOption,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models, the newest first, with what training measured."""
    with open_job("models", warehouse, profile, overrides, as_json) as job:
        job.finish(_listing(job, _registry(job)))


@app.command("promote")
def promote(
    version: VersionArgument,
    warehouse: WarehouseOption,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a version in force: the next night judges by it, and scores every listing anew."""
    with (
        open_job("models", warehouse, profile, overrides, as_json) as job,
        run_context(job, job.started_at.date()) as run,
    ):
        registry = _registry(job)
        registry.promote(version)
        run.model_version = version
        job.finish(_listing(job, registry))


@app.command("rollback")
def rollback(
    warehouse: WarehouseOption,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the version before the champion in force again."""
    with (
        open_job("models", warehouse, profile, overrides, as_json) as job,
        run_context(job, job.started_at.date()) as run,
    ):
        registry = _registry(job)
        run.model_version = registry.rollback()
        job.finish(_listing(job, registry))


def _registry(job: Job) -> Registry:
    return open_registry(job.warehouse.location, job.settings.registry)


def _listing(job: Job, registry: Registry) -> Summary:
    models = registry.models()
    rows = [
        (
            model.version,
            model.champion,
            f"{dt.datetime.fromtimestamp(model.created / 1000, dt.UTC):%Y-%m-%d %H:%M}",
            int(model.figures.get("rows", 0)),
            model.figures.get("estimated_error"),
            model.tags.get("listings_version"),
            model.tags.get("run_id"),
        )
        for model in models
    ]
    columns = ("version", "champion", "trained_at", "rows", "estimated_error", "listings_version", "run_id")
    return Summary(
        f"Models of {job.warehouse.location}",
        {"models_known": len(models), "champion": registry.find_champion()},
        (Section("models", columns, rows),),
        () if models else ("there is none yet: `catalog-cleaner train` makes one",),
    )


if __name__ == "__main__":
    app()
