"""The context of a command (settings, session, warehouse, console) and the reporting of its errors.

Spark takes many seconds to start, so the session is opened when a command first uses it: a command checks its options
and files before, and refuses wrong usage at once.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.markup import escape

from conf.load import SettingsError, load_settings
from conf.settings import Settings
from jobs.console.event_log import bind_events, event_log, log_event
from jobs.console.log_file import EVENTS, new_log_file
from jobs.console.query_progress import told_progress
from jobs.console.root_cause import root_cause
from jobs.console.summary import print_error_as_json, printable
from jobs.warehouse.address import Address, parse_address
from jobs.warehouse.inputs import require_listings
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import CleanerError, UsageError

_INTERRUPTED = 130
"""Exit code of an interrupted command, as in shells."""


@dataclass(frozen=True)
class Job:
    """The context of a command.

    Attributes:
        name: the job's name in the run log.
        settings: the settings.
        address: the warehouse's address. Of a catalogue, nobody has checked yet whether Spark knows it.
        open: opens the Spark session and the warehouse; each later call returns the same.
        started_at: UTC. The clock is not read again before the end of the run.
        console: standard error, for progress and errors.
        counts_from: since when progress messages count the seconds; None: since started_at.
    """

    name: str
    settings: Settings
    address: Address
    open: Callable[[], Warehouse]
    started_at: dt.datetime
    console: Console
    counts_from: dt.datetime | None = None

    def step(self, name: str) -> Job:
        """The job of a step of this command, which starts now. Its progress counts from the start of the command.

        Args:
            name: the step's name in the run log.
        """
        return replace(self, name=name, started_at=clock(), counts_from=self.counts_from or self.started_at)

    @property
    def warehouse(self) -> Warehouse:
        """The tables. The first use starts Spark."""
        return self.open()

    @property
    def spark(self) -> SparkSession:
        """The Spark session. The first use starts Spark."""
        return self.open().spark

    def require_listings(self) -> None:
        """Check that something has been ingested, in a local folder before Spark starts; see `inputs`."""
        require_listings(self.address, self.open)

    def print_progress(self, line: str) -> None:
        """Print a progress message with the seconds since the start, and log it; it names nothing in the catalogue."""
        log_event("progress", message=line)
        self.show_progress(line)

    def show_progress(self, line: str) -> None:
        """Print a progress message as `print_progress`, only for those who watch: it is not logged."""
        seconds = (clock() - (self.counts_from or self.started_at)).total_seconds()
        self.console.print(f"[dim]{seconds:7.1f} s[/dim]  {escape(printable(line))}", soft_wrap=True)


def clock() -> dt.datetime:
    """The current time, UTC. Only commands read the clock; steps receive times as arguments."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def open_job(name: str, warehouse: str, profile: str, overrides: Iterable[str], as_json: bool = False) -> Iterator[Job]:
    """Load the settings and parse the address. Errors of the block, too, are reported as by `reported_errors`.

    The session is opened when the block first uses it. If this process already has one, it is used and stays open.

    Args:
        name: the job's name in the run log.
        warehouse: the value of `WarehouseOption`.
        profile: the value of `ProfileOption`.
        overrides: the values of `SetOption`.
        as_json: the value of `JsonOption`.
    """
    started_at = clock()
    with reported_errors(name, started_at, as_json) as log_file:
        console = Console(stderr=True, highlight=False)
        settings = load_settings(profile, overrides)
        log_event("command_started", profile=profile, settings=settings.digest)
        address = parse_address(warehouse, knows_catalog=lambda _: True)
        _silence_libraries()
        shared = SparkSession.getActiveSession() is not None
        with ExitStack() as at_end:

            @cache
            def open_() -> Warehouse:
                session = open_session(settings.spark, f"catalog-cleaner {name}", log_file)
                if not shared:
                    at_end.callback(session.stop)
                at_end.enter_context(told_progress(session, job.show_progress))
                return open_warehouse(session, warehouse)

            job = Job(name, settings, address, open_, started_at, console)
            yield job


@contextmanager
def reported_errors(name: str, now: dt.datetime, as_json: bool = False) -> Iterator[Path]:
    """Report an error as a message on stderr, and as a JSON object on stdout if wanted; exit with its exit code.

    The message of a `CleanerError` is printed as it is. For any other error the root cause is printed and the traceback
    is written to the log file.

    Args:
        name: the command.
        now: the current time, UTC.
        as_json: whether to print the JSON object.

    Yields:
        The log file; the events are in a file beside it.
    """
    try:
        log_file = new_log_file(name, now)
    except CleanerError as error:
        raise _reported("failed", str(error), error.exit_code, as_json) from error
    with event_log(log_file.with_suffix(EVENTS)), bind_events(job=name):
        try:
            with _logged_end(now):
                yield log_file
        except (CleanerError, SettingsError) as error:
            raise report(error, as_json) from error
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except KeyboardInterrupt as error:
            raise _reported("interrupted", f"{name} was stopped by the user", _INTERRUPTED, as_json) from error
        except Exception as error:
            with log_file.open("a", encoding="utf-8") as log:
                log.write(traceback.format_exc())
            message = f"{root_cause(error)}. The traceback is in {log_file}"
            raise _reported("failed", message, 1, as_json) from error


@contextmanager
def _logged_end(started_at: dt.datetime) -> Iterator[None]:
    """Log how a command ends. The message of an error may name a listing, so only its type is logged."""
    error = None
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        seconds = round((clock() - started_at).total_seconds(), 1)
        log_event("command_ended", seconds=seconds, **({"error": error} if error else {}))


def report(error: CleanerError | SettingsError, as_json: bool = False) -> typer.Exit:
    """Print an error whose message is for people, and return the exception that ends the command."""
    code = error.exit_code if isinstance(error, CleanerError) else UsageError.exit_code
    return _reported({2: "wrong usage", 3: "refused"}.get(code, "failed"), str(error), code, as_json)


def _reported(label: str, message: str, exit_code: int, as_json: bool) -> typer.Exit:
    """Print an error and return the exception that ends the command."""
    shown = f"[bold red]{label}:[/bold red] {escape(printable(message))}"
    Console(stderr=True, highlight=False).print(shown, soft_wrap=True)
    if as_json:
        print_error_as_json(message, exit_code)
    return typer.Exit(exit_code)


def _silence_libraries() -> None:
    """Suppress warnings of libraries, which would appear between the progress messages."""
    for name in ("py4j", "great_expectations"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
