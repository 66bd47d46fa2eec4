"""The life of a run: its id, its lock, and its row in `runs`, which is written however the run ends."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.event_log import bind_events, log_event
from jobs.console.job import Job, clock
from jobs.console.root_cause import root_cause
from jobs.lifecycle.correction_switch import Switch
from jobs.lifecycle.lease import Holder, hold_lease, refuse_unsafe_store
from jobs.lifecycle.lock import warehouse_lock
from jobs.lifecycle.pins import Pins, release_pins
from jobs.lifecycle.provenance import find_provenance
from jobs.lifecycle.run_log import RunRecord, new_run_id, record
from jobs.lifecycle.starts import Start, find_starts, forget_start, forget_unmarked, mark_start
from jobs.warehouse.signing import signed
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, RefusedError, UsageError
from schemas.tables import LISTINGS, QUARANTINE, RUNS

WORK_FOLDER = "_work"
"""Folder in a local warehouse with one folder per training, named by its run id."""
STAGED_PREDICTIONS = "predictions"
"""Name under which a run stages its predictions. If the run does not publish, the next run reuses them."""

STAGED_ARCHIVES = "archive_"
"""Beginning of the names under which backfills stage the archives that they judge. They are kept after a kill, because
the next run continues, and removed when the backfill is done. A backfill stages its evidence with this beginning, too,
because other jobs run meanwhile."""
STAGED_EVIDENCE = "_evidence"
"""End of the names of staged evidence."""


@dataclass
class RunContext:
    """The state of a run, filled in while it runs.

    Attributes:
        job: the command's job.
        run_id: id of the run.
        run_date: the date for which it runs.
        pins: the versions that it reads; None until they are taken.
        model_version: the model of a run without pins, such as a training.
        counts: the row account and other counts.
        published_versions: table -> Delta version, for a run that publishes. Its row then commits the publication.
        reverts: the publication that the run takes back.
        switch: who has stopped or allowed corrections, as the run has read it.
        corrections: whether the model may correct categories; None for a run that decides none.
        limits: whether the limits on changes held, as in `runs`; None for a run without limits.
        note: a message about a run that publishes, such as which limits a person has accepted.
        exclusive: whether the run holds the lock of the warehouse from start to end.
        erasures: the erasures that had ended when the run began, for a run that does not hold it.
    """

    job: Job
    run_id: str
    run_date: dt.date
    pins: Pins | None = None
    model_version: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    published_versions: Mapping[str, int] | None = None
    reverts: str | None = None
    switch: Switch = field(default_factory=Switch)
    corrections: bool | None = None
    limits: str | None = None
    note: str | None = None
    exclusive: bool = True
    erasures: frozenset[str] = frozenset()

    @contextmanager
    def lock(self, *, writes_rows: bool = True) -> Iterator[None]:
        """Hold the lock of the warehouse during a block; does nothing if the run holds it anyway.

        Args:
            writes_rows: whether the block writes rows that follow from what the run has read.

        Raises:
            FailedError: another job holds it, or something has been erased that the rows may name.
        """
        with nullcontext() if self.exclusive else _lock(self.job, self.run_id, self.run_date):
            if not self.exclusive and writes_rows:
                self.refuse_erased()
            yield

    def refuse_erased(self) -> None:
        """Refuse to go on if an erasure has ended since the run began.

        In a local folder an erasure refuses while such a run is in progress; elsewhere it cannot know.

        Raises:
            FailedError: one has.
        """
        new = sorted(_erasures(self.job.warehouse) - self.erasures)
        if new:
            raise FailedError(
                f"{new[0]} has erased listings while {self.run_id} was running, which has read them. Nothing more is "
                "written. Run the command again."
            )

    def write(self, status: str, message: str | None = None) -> None:
        """Write the run's row.

        Raises:
            FailedError: Delta has skipped it, because another job has taken the warehouse over.
        """
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
                message=message or self.note,
                reverts=self.reverts,
                limits=self.limits if status == "published" else None,
                corrections=self.corrections,
                provenance=find_provenance(self.job.settings),
            ),
        )
        warehouse = self.job.warehouse
        if warehouse.fences.held and warehouse.log(RUNS).own_version(self.run_id) is None:
            raise FailedError(
                f"{self.run_id} has published nothing, because another job has taken over {warehouse.location}. Run "
                "the command again."
            )
        self.log_end(status)

    def log_end(self, status: str) -> None:
        """Log how the run ends."""
        pins = {} if self.pins is None else asdict(self.pins)
        model_version = self.pins.model_version if self.pins else self.model_version
        log_event("run_ended", status=status, counts=self.counts, **{**pins, "model_version": model_version})


@contextmanager
def run_context(job: Job, run_date: dt.date, dry_run: bool = False, exclusive: bool = True) -> Iterator[RunContext]:
    """Lock the warehouse for a run and write its row at the end, with status published, done, refused or failed.

    First, earlier runs that were killed get a row with status `interrupted`, and their leftovers are removed. The pins
    of a refused run are deleted, so that the next attempt reads the repaired data; those of a failed run are kept.

    Args:
        job: the command's job.
        run_date: the date of the run.
        dry_run: write nothing.
        exclusive: hold the lock during the whole run. If false, hold it only while the run's row is written, and where
            the run asks for it (`RunContext.lock`); this is for a long job that seldom writes a table.

    Raises:
        HeldError: another job holds the lock.
        FailedError: another job has taken it over.
        UsageError: Delta cannot keep two jobs apart in the warehouse's store, and `lock.external` is not set.
    """
    if not job.settings.lock.external:
        refuse_unsafe_store(job.spark, job.warehouse.address)
    erasures = frozenset() if exclusive else _erasures(job.warehouse)
    run = RunContext(job, new_run_id(job.name, run_date), run_date, exclusive=exclusive, erasures=erasures)
    with signed(job.spark, run.run_id), _lock(job, run.run_id, run_date) if exclusive else nullcontext():
        if exclusive and not dry_run:
            clean_up_killed_runs(job)
        folder = None if dry_run else job.warehouse.folder
        marked = mark_start(folder, run.run_id, job.name, run_date, job.started_at)
        with marked as marker, bind_events(job=job.name, run_id=run.run_id):
            log_event("run_started", run_date=run_date)
            try:
                yield run
            except Exception as error:
                if dry_run or isinstance(error, UsageError):
                    run.log_end("not recorded")
                else:
                    with run.lock(writes_rows=False):
                        _write_failure(run, error)
                marker.remove()
                raise
            if dry_run:
                run.log_end("dry run")
            else:
                with run.lock():
                    run.write("published" if run.published_versions is not None else "done")
            marker.remove()


def _erasures(warehouse: Warehouse) -> frozenset[str]:
    """The erasures of a warehouse that is no local folder, however they ended."""
    rows = warehouse.collect_newest(RUNS, _erasures_of) if warehouse.folder is None else []
    return frozenset(row.run_id for row in rows)


def _erasures_of(runs: DataFrame) -> DataFrame:
    return runs.where("job = 'erase'").select("run_id")


def clean_up_killed_runs(job: Job) -> None:
    """Write a row with status `interrupted` for each killed run, and remove its leftovers.

    Call it only with the lock held: then all staged tables belong to runs that have ended. Staged predictions
    and archives are kept, because the next runs reuse them. Of a warehouse that is no local folder, the job that takes
    the lease of a killed run over has written its row (`_lock`).
    """
    folder = job.warehouse.folder
    # Listed before the markers, because a training that starts now creates its marker before its folder.
    trainings = list((folder / WORK_FOLDER).glob("*")) if folder is not None else []
    starts = find_starts(folder)
    killed = [start for start in starts if not start.alive]
    recorded = {row.run_id for row in job.warehouse.read(RUNS).select("run_id").collect()} if killed else set()
    _forget_rejects(job.warehouse, [start.run_id for start in killed if start.run_id not in recorded])
    for start in killed:
        if start.run_id not in recorded:
            _record_killed(job, start)
        if folder is not None:
            forget_start(folder, start.run_id)
    if folder is not None:
        forget_unmarked(folder)
    for name in job.warehouse.staged_names():
        if not _is_kept(name):
            job.warehouse.unstage(name)
    running = {start.run_id for start in starts if start.alive}
    for path in trainings:
        if path.name not in running:
            shutil.rmtree(path, ignore_errors=True)


def _forget_rejects(warehouse: Warehouse, killed: list[str]) -> None:
    """Delete what killed runs have written to quarantine: who loads the file again writes it again.

    The rows of an ingest that had already changed listings stay; it counts as done.
    """
    if not killed:
        return
    changed = warehouse.read(LISTINGS).where(F.col("delivery_id").isin(killed)).select("delivery_id").distinct()
    void = sorted(set(killed) - {row.delivery_id for row in changed.collect()})
    rejects = F.col("run_id").isin(void)
    if void and not warehouse.read(QUARANTINE).where(rejects).isEmpty():
        warehouse.table(QUARANTINE).delete(rejects)


def _record_killed(job: Job, start: Start) -> None:
    """Write the row of a run that was killed."""
    job.print_progress(f"{start.run_id} was killed: adding its row to runs")
    log_event("run_ended", job=start.job, run_id=start.run_id, status="interrupted")
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


def _is_kept(staged: str) -> bool:
    """Whether a staged table outlives its run."""
    return staged == STAGED_PREDICTIONS or staged.startswith(STAGED_ARCHIVES)


@contextmanager
def _lock(job: Job, run_id: str, run_date: dt.date) -> Iterator[None]:
    """Make sure that no other job writes: with a lock in a local folder, elsewhere with a lease."""
    lock, folder = job.settings.lock, job.warehouse.folder
    if folder is not None:
        jvm: Any = job.spark.sparkContext._jvm  # noqa: SLF001 - the only way to its process id
        process = int(jvm.java.lang.ProcessHandle.current().pid())
        with warehouse_lock(folder, job.name, lock.wait_seconds, job.started_at, job.print_progress, process):
            yield
    elif lock.external:
        yield
    else:
        own = Holder.of_this_process(job.name, run_id, run_date)
        with hold_lease(job.warehouse, own, lock, job.print_progress) as former:
            if former is not None and job.warehouse.read(RUNS).where(F.col("run_id") == former.run_id).isEmpty():
                _forget_rejects(job.warehouse, [former.run_id])
                _record_killed(job, former.start)
            yield


def _write_failure(run: RunContext, error: Exception) -> None:
    refused = isinstance(error, RefusedError)
    if refused and run.pins is not None:
        release_pins(run.job.warehouse, run.job.name, run.run_date)
    run.write("refused" if refused else "failed", root_cause(error)[:2000])
