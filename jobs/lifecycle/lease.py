"""The lease of a warehouse that is no local folder: only one job may write at a time, on whichever machine it runs.

Delta's commits to the table `lease` make it safe; the table has no rows. A job takes the lease with an empty commit of
the next number, the fence: Delta makes a commit with a number once (`txnAppId` and `txnVersion`). A property of the
table says who holds the lease and until when, and the holder moves that time on. This needs no Spark task, so it does
not have to wait for the tasks of the job.

A lease that is not renewed in time is taken over. Its former holder may still run, so the new one first raises the
fence of every table: from then on Delta skips the writes of lower fences (`jobs.warehouse.signing.Fence`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from conf.settings import LockSettings
from jobs.console.job import clock
from jobs.lifecycle.starts import Start
from jobs.warehouse.address import Address, schema_folder
from jobs.warehouse.signing import Fence, signed
from jobs.warehouse.tables import Warehouse
from jobs.warehouse.upkeep import set_properties, unset_properties
from schemas.errors import FailedError, HeldError, UsageError
from schemas.tables import LEASE, TABLES

_PROPERTY = "catalog-cleaner.lease-"
"""Beginning of the names of the properties that say who holds the lease; the fence follows."""
_APP = "catalog-cleaner.lease"
_MISSED = 5
"""A lease ends when it has not been renewed for this many times `lock.renew_seconds` ..."""
_TOLERANCE = 1
"""... and others wait for one time more, because the clocks of two machines differ."""
_KEPT = 20
"""After so many leases, the properties of earlier ones are removed, and old entries of the log."""
_TRIES = 5
_CHECKPOINT = "delta.checkpointInterval"
_UNAVAILABLE = (PySparkException, Py4JError)
"""What Spark raises if another job commits at the same time, or the store does not answer."""
_ATOMIC = ("file", "hdfs", "viewfs", "abfs", "abfss", "gs")
"""Schemes of the stores in which Delta's commits are atomic."""
_S3 = ("s3", "s3a", "s3n")
_S3_LOG_STORE = "io.delta.storage.S3DynamoDBLogStore"


def refuse_unsafe_store(spark: SparkSession, address: Address) -> None:
    """Check that two jobs cannot overwrite each other's commits.

    A catalogue may see to that itself, but not Spark's own: it only knows where the tables are.

    Raises:
        UsageError: they can, in the store of this URI or schema.
    """
    place = address.uri or schema_folder(spark, address) or ""
    scheme = place.partition(":")[0].lower()
    setting = f"spark.delta.logStore.{scheme}.impl"
    if not scheme or scheme in _ATOMIC or (scheme in _S3 and spark.conf.get(setting, None) == _S3_LOG_STORE):
        return
    dynamo = f" Use Delta's log store for several clusters, --conf {setting}={_S3_LOG_STORE}." if scheme in _S3 else ""
    raise UsageError(
        f"--warehouse {address.text}: at {scheme}: the commit of one job can overwrite that of another.{dynamo} If "
        "your scheduler lets only one job at a time write, say so with --set lock.external=true."
    )


@dataclass(frozen=True)
class Holder:
    """Who holds the lease, or has held it.

    Attributes:
        job, run_id, run_date: the run.
        host, process: host name and process id.
        since: since when, ISO 8601, by the clock of the holder's machine.
        until: until when, unless it is renewed; None: it has been given back.
    """

    job: str
    run_id: str
    run_date: str
    host: str
    process: int
    since: str
    until: str | None = None

    @classmethod
    def of_this_process(cls, job: str, run_id: str, run_date: dt.date) -> Holder:
        """This process, which holds no lease yet."""
        return cls(job, run_id, run_date.isoformat(), socket.gethostname(), os.getpid(), _iso(clock()))

    @property
    def start(self) -> Start:
        """The run of a holder that was killed."""
        since = dt.datetime.fromisoformat(self.since)
        return Start(self.run_id, self.job, dt.date.fromisoformat(self.run_date), since, self.host, self.process, False)

    def __str__(self) -> str:
        """The holder, for messages."""
        return f"job {self.job} (process {self.process} on {self.host}, since {self.since})"

    def has_ended(self, now: dt.datetime, tolerance: dt.timedelta) -> bool:
        """Whether others may take the lease; `now` is what their clock says."""
        return self.until is None or now > dt.datetime.fromisoformat(self.until) + tolerance


@contextmanager
def hold_lease(
    warehouse: Warehouse, own: Holder, settings: LockSettings, print_progress: Callable[[str], None]
) -> Iterator[Holder | None]:
    """Hold the lease of a warehouse while the block runs; its writes carry the fence.

    Args:
        warehouse: the warehouse.
        own: this process and its run (`Holder.of_this_process`).
        settings: how long to wait for another job, and how often to renew the lease.
        print_progress: prints what the job waits for, and that it takes over.

    Yields:
        The former holder if its lease ended without being given back, because it was killed; else None.

    Raises:
        HeldError: another job still holds the lease after the time to wait.
        FailedError: from the writes of the block, another job has taken over.
    """
    lease = Lease(warehouse, own, settings.renew_seconds)
    former = lease.take(settings.wait_seconds, print_progress)
    spark, fence = warehouse.spark, Fence(lease.number, lease.require)
    with signed(spark, own.run_id, lease.number), lease.renewed(), warehouse.fences.hold(spark, fence):
        if former is not None:
            print_progress(f"taking over from {former}: its lease ended at {former.until}")
            for table in TABLES.values():
                if warehouse.exists(table):
                    warehouse.append(table, warehouse.empty(table))
        yield former


class Lease:
    """The lease, for one run. It is taken once.

    Attributes:
        number: the fence; 0 before it is taken.
    """

    def __init__(self, warehouse: Warehouse, own: Holder, renew_seconds: float) -> None:
        """Prepare the lease; nothing is written. The arguments are those of `hold_lease`."""
        self.number = 0
        self._warehouse = warehouse
        self._seconds = renew_seconds
        self._tolerance = dt.timedelta(seconds=_TOLERANCE * renew_seconds)
        self._me = own
        self._until = clock()
        self._lost: str | None = None
        self._unnamed: dict[int, Holder] = {}

    def take(self, wait_seconds: float, print_progress: Callable[[str], None]) -> Holder | None:
        """Take the lease as soon as it is free; see `hold_lease`."""
        self._retried(lambda: self._warehouse.create(LEASE))
        give_up, told = time.monotonic() + wait_seconds, False
        while True:
            number, former = self._newest()
            if former is None or former.has_ended(clock(), self._tolerance):
                try:
                    if self._claim(number + 1):
                        return None if former is None or former.until is None else former
                except _UNAVAILABLE:  # Other jobs keep committing at the same time, or the store does not answer.
                    if time.monotonic() >= give_up:
                        raise
                _, former = self._newest()
            if time.monotonic() >= give_up:
                raise HeldError(
                    f"{self._warehouse.location} is held by {former}; only one job may write at a time. Run the "
                    "command again when that job has finished, or wait longer with --set lock.wait_seconds=3600. "
                    f"If it was killed, others can take over {(_MISSED + _TOLERANCE) * self._seconds:g} s later."
                )
            if former is not None and not told:
                print_progress(f"waiting up to {wait_seconds:g} s for {former}, because only one job may write")
                told = True
            time.sleep(min(self._seconds / 20, max(0.0, give_up - time.monotonic())))

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the taken lease in another thread while the block runs, and give it back at the end."""
        stop = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(stop,), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            if self._lost is None:
                with suppress(*_UNAVAILABLE):  # then it ends by itself
                    self._write(replace(self._me, until=None))

    def _claim(self, number: int) -> bool:
        """Take the lease with a number; false if another job was first."""
        spark, now = self._warehouse.spark, clock()
        with signed(spark, self._me.run_id, number):
            owner = self._commit(number)
            if owner != self._me.run_id:
                # It has not written its name yet; or never will, because it was killed.
                until = None if owner is None else _iso(now + self._lasts)
                unnamed = Holder("unknown", owner or "", self._me.run_date, "another host", 0, _iso(now), until)
                self._unnamed.setdefault(number, unnamed)
                return False
            self._me, self.number = replace(self._me, since=_iso(now)), number
            self._renew()
            if number % _KEPT == 0:
                self._tidy()
        return self._newest()[0] == number

    def _commit(self, number: int) -> str | None:
        """Make the commit of a number unless there is one; returns the run that made it, None if that is long ago."""
        self._retried(lambda: self._warehouse.commit_once(LEASE, _APP, number))
        signatures = (signature for _, signature in self._warehouse.log(LEASE).signatures())
        # Only the run that made it signs with its number, so the newest commit with it says which run that was.
        return next((found.run_id for found in signatures if found and found.fence == number), None)

    @property
    def _lasts(self) -> dt.timedelta:
        return dt.timedelta(seconds=_MISSED * self._seconds)

    def _newest(self) -> tuple[int, Holder | None]:
        """The newest number and its holder; 0 and None before the first."""
        found = dict(self._unnamed)
        for name, value in self._warehouse.properties(LEASE).items():
            if name.startswith(_PROPERTY):
                found[int(name.removeprefix(_PROPERTY))] = Holder(**json.loads(value))
        number = max(found, default=0)
        return number, found.get(number)

    def _renew(self) -> None:
        until = clock() + self._lasts
        self._write(replace(self._me, until=_iso(until)))
        self._until = until

    def _write(self, holder: Holder) -> None:
        value = {f"{_PROPERTY}{self.number}": json.dumps(asdict(holder))}
        self._retried(lambda: set_properties(self._warehouse, LEASE, value))

    def _retried(self, write: Callable[[], None]) -> None:
        """Write, although another job may write at the same time."""
        for tried in range(1, _TRIES + 1):
            try:
                write()
            except _UNAVAILABLE:
                if tried == _TRIES:
                    raise
                time.sleep(self._seconds / 100)
            else:
                return

    def _renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._seconds):
            with suppress(*_UNAVAILABLE):  # It is tried again; the lease lasts longer than one attempt.
                number, holder = self._newest()
                if number != self.number:
                    self._lost = f"{holder} has taken over"
                    return
                self._renew()

    def require(self) -> None:
        """Refuse to write when the lease is lost.

        Raises:
            FailedError: another job has taken over, or the lease could not be renewed.
        """
        lost = self._lost
        if lost is None and clock() > self._until:
            number, holder = self._newest()
            lost = "it could not be renewed in time" if number == self.number else f"{holder} has taken over"
        if lost is not None:
            raise FailedError(
                f"this job has lost the lease of {self._warehouse.location}: {lost}. Nothing more is written. Run the "
                "command again."
            )

    def _tidy(self) -> None:
        """Remove the properties of earlier leases, and let Delta remove old entries of the log."""
        names = [name for name in self._warehouse.properties(LEASE) if name.startswith(_PROPERTY)]
        earlier = [name for name in names if int(name.removeprefix(_PROPERTY)) < self.number]
        unset_properties(self._warehouse, LEASE, earlier)
        # Delta does that at a checkpoint. A regular one would need tasks, so it could delay a renewal.
        for interval in ("1", dict(LEASE.properties)[_CHECKPOINT]):
            set_properties(self._warehouse, LEASE, {_CHECKPOINT: interval})


def _iso(time_: dt.datetime) -> str:
    return time_.isoformat(timespec="milliseconds")
