"""An attempt at a run: its id, the lock it holds, and the row of `runs` that it leaves however it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from jobs.console.job import Job, clock
from jobs.lifecycle.lock import hold
from jobs.lifecycle.pins import Pins, release_pins
from jobs.lifecycle.run_log import RunRecord, next_run_id, record
from schemas.errors import CleanerError, RefusedError, UsageError


@dataclass
class RunContext:
    """What is known of a run so far; filled in as it goes.

    Attributes:
        job: the command's job.
        run_id: of this attempt.
        run_date: the date for which it runs.
        pins: what it reads; None until taken.
        model_version: for runs without pins (training).
        counts: the row account and what the run did.
        published_versions: set by a run that publishes; makes its row the commit mark.
    """

    job: Job
    run_id: str
    run_date: dt.date
    pins: Pins | None = None
    model_version: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    published_versions: Mapping[str, int] | None = None

    def write(self, status: str, message: str | None = None) -> None:
        """Write the run's row."""
        record(
            self.job.warehouse,
            RunRecord(
                run_id=self.run_id,
                job=self.job.name,
                run_date=self.run_date,
                status=status,
                settings_hash=self.job.settings.digest,
                counts=self.counts,
                started_at=self.job.started_at,
                finished_at=clock(),
                pins=self.pins,
                model_version=self.model_version,
                published_versions=self.published_versions if status == "published" else None,
                message=message,
            ),
        )


@contextmanager
def run_context(job: Job, run_date: dt.date, dry_run: bool = False, exclusive: bool = True) -> Iterator[RunContext]:
    """Hold the warehouse for a run and write its row at the end: published, done, refused or failed.

    A refused run's pins are forgotten, so that the next attempt sees what was mended; a failed run's are kept. A dry
    run leaves nothing. With `exclusive` false the warehouse is held only while the row is written: for a job that
    works long and writes no other table.

    Raises:
        FailedError: another job holds the warehouse.
    """

    def lock() -> AbstractContextManager[None]:
        return hold(job.warehouse.folder, job.name, job.settings.lock.wait_seconds, job.started_at)

    with lock() if exclusive else nullcontext():
        run = RunContext(job, next_run_id(job.warehouse, job.name, run_date), run_date)
        try:
            yield run
        except Exception as error:
            if not dry_run and not isinstance(error, UsageError):
                with nullcontext() if exclusive else lock():
                    _write_failure(run, error)
            raise
        if not dry_run:
            with nullcontext() if exclusive else lock():
                run.write("published" if run.published_versions is not None else "done")


def _write_failure(run: RunContext, error: Exception) -> None:
    refused = isinstance(error, RefusedError)
    if refused and run.pins is not None:
        release_pins(run.job.warehouse, run.job.name, run.run_date)
    message = str(error) if isinstance(error, CleanerError) else f"{type(error).__name__}: {error}"
    run.write("refused" if refused else "failed", message[:2000])
