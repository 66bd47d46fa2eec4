"""The commits of a Delta table, and for how long Delta must remember what they removed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

LOG_PROPERTY = "delta.logRetentionDuration"
"""For how long Delta keeps the entries of its log; default: 30 days."""
REMOVED_PROPERTY = "delta.deletedFileRetentionDuration"
"""For how long Delta remembers the files that a commit has removed from the table; default: 7 days. VACUUM takes a file
for an abandoned one if it is old and Delta has forgotten when it was removed, whatever retention VACUUM is given."""
_DEFAULT_DAYS = {LOG_PROPERTY: 30.0, REMOVED_PROPERTY: 7.0}
_CREATED_WITH_DAYS = 120
"""Covers the default of `maintain.keep_days`, and a month in which `maintain` does not run."""
_PER_DAY = {"hour": 24, "day": 1, "week": 1 / 7}
_LONGEST_WRITE = dt.timedelta(hours=6)
"""The files of a commit are written before it; this is how much earlier at most."""


@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes:
        version: the version that it made.
        at: UTC.
        operation: what Delta calls it, such as MERGE.
        parameters: of the operation.
    """

    version: int
    at: dt.datetime
    operation: str
    parameters: Mapping[str, str]


def commits_of(history: DataFrame) -> list[Commit]:
    """The rows of DESCRIBE HISTORY, oldest first."""
    columns = ("version", "timestamp", "operation", "operationParameters")
    commits = [
        Commit(int(version), at.astimezone(dt.UTC), operation, parameters or {})
        for version, at, operation, parameters in history.select(*columns).collect()
    ]
    return sorted(commits, key=lambda commit: commit.version)


def first_kept_change(commits: Sequence[Commit]) -> int:
    """The first version from which on all files of changes are certainly kept; one more than the newest if none is.

    Args:
        commits: the commits in the log, oldest first.
    """
    if not commits:
        return 0
    removed_before = max((_removed_before(c) for c in commits if c.operation == "VACUUM START"), default=None)
    kept = (
        commit.version for commit in commits if removed_before is None or commit.at - _LONGEST_WRITE >= removed_before
    )
    return next(kept, commits[-1].version + 1)


def _removed_before(vacuum: Commit) -> dt.datetime:
    """VACUUM removes files that were written before this time, unless a version since then has them."""
    parameters = vacuum.parameters
    millis = parameters.get("specifiedRetentionMillis") or parameters["defaultRetentionMillis"]
    return vacuum.at - dt.timedelta(milliseconds=float(millis))


def retention_properties(days: int = _CREATED_WITH_DAYS) -> dict[str, str]:
    """The properties that make Delta remember removed files, and keep its log, for some days."""
    return dict.fromkeys((LOG_PROPERTY, REMOVED_PROPERTY), f"interval {days} days")


def remembered_days(properties: Mapping[str, str], name: str) -> float:
    """The days that one of the two properties says.

    A value in other units than hours, days and weeks counts as Delta's default, so that less is believed to be
    remembered than is.
    """
    match = re.fullmatch(r"(?:interval )?\s*(\d+) (hour|day|week)s?", properties.get(name, "").strip().lower())
    return int(match[1]) / _PER_DAY[match[2]] if match else _DEFAULT_DAYS[name]
