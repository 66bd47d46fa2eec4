"""Fetches the pictures of the listings piece by piece, so that a killed run keeps what it has done."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from jobs.console.job import clock
from jobs.fetching.http_client import Answer, Client
from jobs.fetching.lanes import Hosts, fetch_all, host_of
from jobs.fetching.picture_folder import PictureFolder
from jobs.fetching.selection import LASTING, pending
from jobs.fetching.targets import is_allowed, parse_target
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.reasons import ImageStatus
from schemas.tables import LISTINGS, PICTURE_FETCHES

_PIECE = 2_000
"""Pictures that are recorded together."""

Row = tuple[str, str, str | None, int | None, int | None, str | None, int]
"""A row of picture_fetches without its time and folder."""


@dataclass
class Fetched:
    """What a run has fetched.

    Attributes:
        waiting: number of addresses that were to be asked.
        statuses: status and problem -> number of addresses.
        refused: host that is not allowed -> number of addresses.
        failed: host, status and problem -> number of addresses without a picture.
        down: hosts that were left alone.
        bytes: size of the pictures.
    """

    waiting: int = 0
    statuses: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    down: list[str] = field(default_factory=list)
    bytes: int = 0

    @property
    def asked(self) -> int:
        """Number of addresses that were asked."""
        return sum(self.statuses.values())

    def add(self, rows: Iterable[Row]) -> None:
        """Count what has been fetched."""
        for uri, status, problem, _, size, _, _ in rows:
            self.statuses[status, problem] += 1
            self.bytes += size or 0
            if status != ImageStatus.OK.value:
                self.failed[host_of(uri), status, problem] += 1


def fetch_pictures(run: RunContext, folder: PictureFolder, limit: int | None) -> Fetched:
    """Fetch the pictures that have not been fetched, and try those again that could not be fetched a while ago.

    Unless the run holds the lock of the warehouse, it takes it to record a piece.

    Args:
        run: the run.
        folder: where pictures are kept.
        limit: the largest number of addresses to ask; None: all.
    """
    job, settings = run.job, run.job.settings.fetch
    found, hosts = Fetched(), Hosts()
    folder.prepare()
    folder.delete_abandoned(job.started_at)
    with run.lock():
        job.warehouse.create(PICTURE_FETCHES)
    tried_before = job.started_at - dt.timedelta(hours=settings.retry_hours)
    with ExitStack() as at_end:
        listings, fetches = narrow(job.warehouse.read(LISTINGS)), job.warehouse.read(PICTURE_FETCHES)
        waiting = cached(pending(listings, fetches, tried_before), at_end)
        found.waiting = waiting.count()
        job.print_progress(f"{found.waiting:,} pictures are to be fetched")
        uris = islice(_allowed((row.uri for row in waiting.toLocalIterator()), settings.hosts, found.refused), limit)
        while piece := list(islice(uris, _PIECE)):
            rows = fetch_all(
                piece,
                settings,
                hosts,
                lambda: Client(settings, job.settings.ingest.max_image_bytes),
                ask=lambda client, uri: _recall(folder, uri) or client.ask(uri),
                keep=lambda uri, answer: _keep(folder, uri, answer),
            )
            with run.lock():
                _record(job.warehouse, rows, clock(), settings.folder)
            found.add(rows)
            fetched = sum(n for (status, _), n in found.statuses.items() if status == ImageStatus.OK.value)
            job.print_progress(f"asked for {found.asked:,} of {found.waiting:,} pictures, {fetched:,} are there")
    found.down = hosts.down
    return found


def waiting_hosts(warehouse: Warehouse, now: dt.datetime) -> Counter[str]:
    """The hosts of pictures that have not been fetched, with their numbers of addresses."""
    waiting = pending(narrow(warehouse.read(LISTINGS)), warehouse.read(PICTURE_FETCHES), now)
    return Counter(host_of(row.uri) for row in waiting.toLocalIterator())


def _allowed(uris: Iterable[str], hosts: tuple[str, ...], refused: Counter[str]) -> Iterator[str]:
    """The URIs of allowed hosts. The others are counted."""
    for uri in uris:
        target = parse_target(uri)
        if target is not None and is_allowed(target, hosts):
            yield uri
        else:
            refused[host_of(uri)] += 1


def _recall(folder: PictureFolder, uri: str) -> Answer | None:
    """The picture that a killed run has fetched without recording it."""
    data = folder.read(uri)
    return None if data is None else Answer(ImageStatus.OK, http_status=200, data=data, attempts=0)


def _keep(folder: PictureFolder, uri: str, answer: Answer) -> Row:
    """Keep what a server has answered; returns the row to record."""
    size, digest = None, None
    if answer.data is not None:
        size, digest = len(answer.data), hashlib.sha256(answer.data).hexdigest()
        if answer.attempts:
            folder.keep(uri, answer.data)
    elif answer.status.value in LASTING:
        folder.mark(uri, answer.status)
    return uri, answer.status.value, answer.problem, answer.http_status, size, digest, answer.attempts


def _record(warehouse: Warehouse, rows: list[Row], now: dt.datetime, folder: str | None) -> None:
    """Replace the rows of addresses that were asked. The warehouse must be locked."""
    if not rows:
        return
    new = warehouse.spark.createDataFrame([(*row, now, folder) for row in rows], PICTURE_FETCHES.ddl)
    merge = warehouse.table(PICTURE_FETCHES).alias("old").merge(new.alias("new"), "old.uri = new.uri")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
