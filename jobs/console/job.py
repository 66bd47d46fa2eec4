"""What a command works with: settings, session, warehouse and console; and how its errors are reported."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.markup import escape

from conf.load import SettingsError, load_settings
from conf.settings import Settings
from jobs.console.log_file import new_log_file
from jobs.console.root_cause import root_cause
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import CleanerError, UsageError

_INTERRUPTED = 130
"""Exit code of a command that was interrupted, as shells have it."""


@dataclass(frozen=True)
class Job:
    """What a command works with.

    Attributes:
        name: the job's name in the run log.
        settings: loaded once.
        spark: the session.
        warehouse: where the tables are.
        started_at: UTC; the only look at the clock before the run's end.
        console: standard error, for progress and errors.
    """

    name: str
    settings: Settings
    spark: SparkSession
    warehouse: Warehouse
    started_at: dt.datetime
    console: Console

    def say(self, line: str) -> None:
        """Print a line of progress with the seconds since the start."""
        seconds = (clock() - self.started_at).total_seconds()
        self.console.print(f"[dim]{seconds:7.1f} s[/dim]  {escape(line)}", soft_wrap=True)


def clock() -> dt.datetime:
    """Now, UTC. Steps take times as values; only commands look at the clock."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def open_job(name: str, warehouse: str, profile: str, overrides: Iterable[str]) -> Iterator[Job]:
    """Load settings, open session and warehouse; errors become a sentence and an exit code.

    A session that this process already has is used and stays open.

    Args:
        name: the job's name in the run log.
        warehouse: as `WarehouseOption`.
        profile: as `ProfileOption`.
        overrides: as `SetOption`.
    """
    started_at = clock()
    with reported_errors(name, started_at) as log_file:
        console = Console(stderr=True, highlight=False)
        settings = load_settings(profile, overrides)
        _quieten()
        shared = SparkSession.getActiveSession() is not None
        session = open_session(settings.spark, f"catalog-cleaner {name}", log_file)
        try:
            yield Job(name, settings, session, open_warehouse(session, warehouse), started_at, console)
        finally:
            if not shared:
                session.stop()


@contextmanager
def reported_errors(name: str, now: dt.datetime) -> Iterator[Path]:
    """Report an error in a sentence on stderr and exit with its code.

    A `CleanerError` says what is wrong itself. Of any other error the root cause is printed, and the traceback goes to
    the log file, whose name is printed, too.

    Args:
        name: the command.
        now: UTC.

    Yields:
        The log file.
    """
    try:
        log_file = new_log_file(name, now)
    except CleanerError as error:
        _print_error("failed", str(error))
        raise typer.Exit(error.exit_code) from error
    try:
        yield log_file
    except (CleanerError, SettingsError) as error:
        code = error.exit_code if isinstance(error, CleanerError) else UsageError.exit_code
        _print_error({2: "wrong usage", 3: "refused"}.get(code, "failed"), str(error))
        raise typer.Exit(code) from error
    except (typer.Exit, typer.Abort, click.ClickException):
        raise
    except KeyboardInterrupt as error:
        _print_error("interrupted", f"{name} was stopped by hand before it was done")
        raise typer.Exit(_INTERRUPTED) from error
    except Exception as error:
        with log_file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
        _print_error("failed", f"{root_cause(error)}. The traceback is in {log_file}")
        raise typer.Exit(1) from error


def _print_error(label: str, sentence: str) -> None:
    Console(stderr=True, highlight=False).print(f"[bold red]{label}:[/bold red] {escape(sentence)}", soft_wrap=True)


def _quieten() -> None:
    """Keep libraries' notices out of the progress."""
    for name in ("py4j", "great_expectations"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
