"""A run from start to end: its id, the lock it holds, and the row in `runs` that it writes however it ends."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from jobs.console.job import Job, clock
from jobs.console.root_cause import root_cause
from jobs.lifecycle.lock import hold
from jobs.lifecycle.pins import Pins, release_pins
from jobs.lifecycle.run_log import RunRecord, new_run_id, record
from jobs.lifecycle.starts import find_starts, forget_start, mark_start
from schemas.errors import RefusedError, UsageError
from schemas.tables import RUNS

WORK_FOLDER = "_work"
"""Below a local warehouse: a folder a training, of its run id."""
STAGED_PREDICTIONS = "predictions"
"""Name under which a run on a local folder stages its predictions: if it does not publish, the next run reuses them.
Elsewhere two runs may stage at once, so that each uses its own name, and an unpublished run's scoring is lost."""


@dataclass
class RunContext:
    """What is known of a run; filled in while it runs.

    Attributes:
        job: the command's job.
        run_id: the run.
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

    The runs that were killed since get their row, `interrupted`, and what they left behind is removed. The pins of a
    refused run are dropped, so that the next attempt sees what was mended; those of a failed run are kept. A dry run
    writes nothing. With `exclusive` false the warehouse is held only while the row is written: for a job that works
    long and writes no other table.

    Raises:
        FailedError: another job holds the warehouse.
    """

    def lock() -> AbstractContextManager[None]:
        return hold(job.warehouse.folder, job.name, job.settings.lock.wait_seconds, job.started_at)

    with lock() if exclusive else nullcontext():
        if exclusive and not dry_run:
            clean_up_killed_runs(job)
        run = RunContext(job, new_run_id(job.name, run_date), run_date)
        folder = None if dry_run else job.warehouse.folder
        with mark_start(folder, run.run_id, job.name, run_date, job.started_at) as marker:
            try:
                yield run
            except Exception as error:
                if not dry_run and not isinstance(error, UsageError):
                    with nullcontext() if exclusive else lock():
                        _write_failure(run, error)
                marker.remove()
                raise
            if not dry_run:
                with nullcontext() if exclusive else lock():
                    run.write("published" if run.published_versions is not None else "done")
            marker.remove()


def clean_up_killed_runs(job: Job) -> None:
    """Write a row, `interrupted`, for each run that was killed, and remove what it has left behind.

    Only the holder of the warehouse may call it: then whatever is staged belongs to a run that has ended, except the
    predictions, which the next night reuses.
    """
    folder = job.warehouse.folder
    # Looked up before the markers: a training that starts meanwhile makes its marker before its folder.
    trainings = list((folder / WORK_FOLDER).glob("*")) if folder is not None else []
    starts = find_starts(folder)
    killed = [start for start in starts if not start.alive]
    known = {row.run_id for row in job.warehouse.read(RUNS).select("run_id").collect()} if killed else set()
    for start in killed:
        if start.run_id not in known:
            job.say(f"{start.run_id} was killed: adding its row to runs")
            record(
                job.warehouse,
                RunRecord(
                    run_id=start.run_id,
                    job=start.job,
                    run_date=start.run_date,
                    status="interrupted",
                    settings_hash="",
                    counts={},
                    started_at=start.started_at,
                    finished_at=clock(),
                    message=start.message,
                ),
            )
        if folder is not None:
            forget_start(folder, start.run_id)
    if folder is not None:
        at_work = {start.run_id for start in starts if start.alive}
        staged = (left for left in (folder / "_staging").glob("*") if left.name != STAGED_PREDICTIONS)
        for left in (*staged, *(training for training in trainings if training.name not in at_work)):
            shutil.rmtree(left, ignore_errors=True)


def _write_failure(run: RunContext, error: Exception) -> None:
    refused = isinstance(error, RefusedError)
    if refused and run.pins is not None:
        release_pins(run.job.warehouse, run.job.name, run.run_date)
    run.write("refused" if refused else "failed", root_cause(error)[:2000])
