"""What all commands share: their options, the session, the warehouse, progress, errors and the summary."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.markup import escape

from conf.load import SettingsError, load_settings
from conf.settings import Settings
from jobs.console.summary import Summary
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import CleanerError, UsageError


@dataclass(frozen=True)
class Job:
    """What a main works with.

    Attributes:
        name: the command.
        settings: loaded once.
        spark: the session.
        warehouse: where the tables are.
        started_at: UTC; the only look at the clock before the run's end.
        say: shows a line of progress, with the time since the start.
        finish: prints the summary.
    """

    name: str
    settings: Settings
    spark: SparkSession
    warehouse: Warehouse
    started_at: dt.datetime
    say: Callable[[str], None]
    finish: Callable[[Summary], None]


def clock() -> dt.datetime:
    """Now, UTC. Steps take times as values; only mains look at the clock."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def open_job(name: str, warehouse: str, profile: str, overrides: list[str] | None, as_json: bool) -> Iterator[Job]:
    """Load settings, open session and warehouse; errors become a sentence and an exit code.

    A session that this process has open already is used, and stays open.

    Args:
        name: the command.
        warehouse: as `WarehouseOption`.
        profile: as `ProfileOption`.
        overrides: as `SetOption`.
        as_json: as `JsonOption`.
    """
    with reported_errors():
        started_at = clock()
        console = Console(stderr=True, highlight=False)
        settings = load_settings(profile, overrides or ())
        _quieten()
        shared = SparkSession.getActiveSession() is not None
        session = open_session(settings.spark, f"catalog-cleaner {name}")

        def say(line: str) -> None:
            console.print(f"[dim]{(clock() - started_at).total_seconds():7.1f} s[/dim]  {escape(line)}", soft_wrap=True)

        def finish(summary: Summary) -> None:
            if as_json:
                sys.stdout.write(summary.as_json() + "\n")
            else:
                summary.show(Console(highlight=False))

        try:
            yield Job(name, settings, session, open_warehouse(session, warehouse), started_at, say, finish)
        finally:
            if not shared:
                session.stop()


@contextmanager
def reported_errors() -> Iterator[None]:
    """End the process with the exit code of a `CleanerError`, its sentence on stderr."""
    try:
        yield
    except (CleanerError, SettingsError) as error:
        code = error.exit_code if isinstance(error, CleanerError) else UsageError.exit_code
        label = {2: "wrong usage", 3: "refused"}.get(code, "failed")
        Console(stderr=True, highlight=False).print(
            f"[bold red]{label}:[/bold red] {escape(str(error))}", soft_wrap=True
        )
        raise typer.Exit(code) from error


def _quieten() -> None:
    """Keep libraries' notices, which say nothing of the catalogue, out of the progress."""
    for name in ("py4j", "great_expectations"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
