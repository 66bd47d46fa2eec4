"""`catalog-cleaner models`: list the models and choose the champion."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from jobs.console.command import APP_OPTIONS, Command, as_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.lifecycle.run_context import run_context
from training.registry import Registry, open_registry

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="Version of the model, as shown by `models list`.")
]

_CARDS = 5
"""Number of models whose cards are named, newest first."""

app = typer.Typer(help="List the models and choose the champion.", no_args_is_help=True, **APP_OPTIONS)


def list_models(job: Job) -> Summary:
    """List the models, newest first.

    Shows when each was trained, on which listings, and its estimated error.
    """
    job.require_listings()
    return _summary(job, _registry(job))


def promote(job: Job, version: VersionArgument) -> Summary:
    """Make a model the champion.

    The next nightly run uses it, and scores the listings that this model has not scored yet.
    """
    job.require_listings()
    with run_context(job, job.started_at.date()) as run:
        registry = _registry(job)
        job.warehouse.fences.require()  # Delta does not guard the registry
        registry.promote(version)
        run.model_version = version
        return _summary(job, registry)


def rollback(job: Job) -> Summary:
    """Restore the previous champion.

    The next nightly run uses it, and scores the listings that this model has not scored yet.
    """
    job.require_listings()
    with run_context(job, job.started_at.date()) as run:
        registry = _registry(job)
        job.warehouse.fences.require()
        run.model_version = registry.rollback()
        return _summary(job, registry)


app.command("list", cls=Command)(as_command("models", list_models))
app.command("promote", cls=Command)(as_command("models", promote))
app.command("rollback", cls=Command)(as_command("models", rollback))


def _registry(job: Job) -> Registry:
    return open_registry(job.address.folder, job.address.text, job.settings.registry)


def _summary(job: Job, registry: Registry) -> Summary:
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
            model.card,
        )
        for model in models
    ]
    columns = ("version", "champion", "trained_at", "rows", "estimated_error", "listings_version", "run_id", "card")
    # Paths are long, so they are shown below the table.
    cards = [f"Model card of version {model.version}:  {model.card}" for model in models[:_CARDS] if model.card]
    return Summary(
        f"Models of {job.address.text}",
        {"models_known": len(models), "champion": registry.find_champion()},
        (Section("models", columns, rows, shown=columns[:-1]),),
        cards if models else ("There are no models yet. Train one with `catalog-cleaner train`.",),
    )


if __name__ == "__main__":
    app()
