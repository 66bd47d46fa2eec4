"""Which publications stay readable, and for how long a table must keep what it has removed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jobs.lifecycle.publications import Publication, by_commit
from jobs.warehouse.commits import REMOVED_PROPERTY, remembered_days, retention_properties

_KNOWN_SINCE = "catalog-cleaner.removals-known-since"
"""Table property: the time since which Delta remembers all removals, if it forgot earlier ones."""
_LEAST_HOURS = 168
"""Nothing is removed that a reader may have opened within the last week; Delta's own default."""
_DAYS_WITHOUT_MAINTENANCE = 30
"""What Delta remembers suffices even if `maintain` does not run for so long."""
_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Retention:
    """What a table keeps.

    Attributes:
        versions: the needed versions that its log still has.
        lost: the needed versions that its log no longer has.
        hours: VACUUM keeps the files of the versions of this many hours.
        properties: the properties to set first; empty if Delta already remembers enough.
        waits_for: VACUUM must wait, because a needed version is so old that Delta may have forgotten which of its files
            were removed later; it may run once all needed versions are in force after this time. None: it may run.
    """

    versions: tuple[int, ...]
    lost: tuple[int, ...]
    hours: int
    properties: Mapping[str, str]
    waits_for: dt.datetime | None


def kept_publications(
    published: Sequence[Publication], since: dt.datetime, pinned: Collection[str | None] = ()
) -> list[Publication]:
    """The publications that stay readable, in the order in which they were committed.

    They are those that were committed since a time, the newest one (by date, and by time), the one on which it is based
    and the one that it takes back, and those on which runs that have not published yet are based.

    Args:
        published: all publications, the newest date last.
        since: UTC.
        pinned: run ids on which such runs are based.
    """
    if not published:
        return []
    committed = by_commit(published)
    newest = (published[-1], committed[-1])
    always = {run_id for run in newest for run_id in (run.run_id, run.base_run_id, run.reverts)} | set(pinned)
    return [run for run in committed if run.run_id in always or run.finished_at.astimezone(dt.UTC) >= since]


def retention(
    needed: Collection[int],
    commits: Mapping[int, dt.datetime],
    created_at: dt.datetime,
    properties: Mapping[str, str],
    keep_days: int,
    now: dt.datetime,
) -> Retention:
    """Find out what a table must keep.

    VACUUM removes a file if it is older than the retention, and no version since then has it. Delta knows when a
    version lost a file only as long as the table's properties say. Its log is removed by age, too, at a checkpoint;
    then a version can no longer be read, even if it is in force. A version is read from the checkpoint before it. So
    the properties cover the checkpoint before the oldest needed version, and `keep_days`.

    Args:
        needed: the versions that must stay readable, besides the newest.
        commits: version -> time, UTC, of all commits in the log.
        created_at: when the table was created, UTC.
        properties: the table's properties.
        keep_days: the setting.
        now: the current time, UTC.
    """
    versions = tuple(sorted(version for version in set(needed) if version in commits))
    lost = tuple(sorted(set(needed) - set(versions)))
    hours, days, replaced_at = _LEAST_HOURS, keep_days, None
    if versions:
        oldest = versions[0]
        hours = max(hours, math.ceil((now - commits[oldest]) / _HOUR) + 1)
        interval = int(properties.get("delta.checkpointInterval", "10"))
        # One checkpoint more, because Delta goes on if it could not write one.
        base = max(min(commits), (oldest // interval - 1) * interval)
        days = max(days, math.ceil((now - commits[base]) / dt.timedelta(days=1)))
        replaced_at = commits.get(oldest + 1)
    # In steps of a month, because each change is a commit.
    days = math.ceil((days + _DAYS_WITHOUT_MAINTENANCE) / 30) * 30
    known = properties.get(_KNOWN_SINCE)
    known_since = dt.datetime.fromisoformat(known) if known else created_at
    new: dict[str, str] = {}
    for name, value in retention_properties(days).items():
        remembered = remembered_days(properties, name)
        if remembered < days:
            new[name] = value
            if name == REMOVED_PROPERTY:
                known_since = max(known_since, now - dt.timedelta(days=remembered))
    if REMOVED_PROPERTY in new and known_since > created_at:
        new[_KNOWN_SINCE] = known_since.isoformat()
    waits = replaced_at is not None and replaced_at < known_since
    return Retention(versions, lost, hours, new, known_since if waits else None)
