"""Signs commits, so that Delta's log says which run made them, and numbers them, so that Delta skips late ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import SparkSession

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


_APP = "catalog-cleaner"
_SESSION = "spark.databricks.delta.write."


@dataclass(frozen=True)
class Signature:
    """Who made a commit: the run, and the fence of its lease, if it had one."""

    run_id: str
    fence: int | None = None


@contextmanager
def signed(spark: SparkSession, run_id: str, fence: int | None = None) -> Iterator[None]:
    """Sign all commits that the session makes while the block runs, also in other threads.

    The signature is the commit's `userMetadata` (DESCRIBE HISTORY): `{"run_id": "...", "fence": 7}`.
    """
    signature = {"run_id": run_id} if fence is None else {"run_id": run_id, "fence": fence}
    with session_settings(spark, {_USER_METADATA: json.dumps(signature)}):
        yield


def read_signature(user_metadata: str | None) -> Signature | None:
    """The signature of a commit; None if another program made it, or an earlier version of this one."""
    try:
        read = json.loads(user_metadata or "")
    except ValueError:
        return None
    return Signature(read["run_id"], read.get("fence")) if isinstance(read, dict) and "run_id" in read else None


class Fence:
    """Numbers the writes of a lease's holder.

    Delta skips a write whose number is not above the highest of its table. So once a later holder has written to a
    table, all writes of an earlier one are skipped there, whenever they come.
    """

    def __init__(self, number: int, require: Callable[[], None]) -> None:
        """Begin with the first number of a lease.

        Args:
            number: the lease's fence, 1 or more.
            require: raises an error if the lease is lost.
        """
        self._numbers = itertools.count(number << 32)
        self.require = require

    def next(self) -> dict[str, str]:
        """The number of the next write."""
        self.require()
        return once(_APP, next(self._numbers))


class Fences:
    """The fence with which a process writes at present; there is none unless it holds a lease."""

    def __init__(self) -> None:
        """Begin without a fence."""
        self.held: Fence | None = None

    @contextmanager
    def hold(self, spark: SparkSession, fence: Fence) -> Iterator[None]:
        """Number all writes with a fence while the block runs."""
        self.held = fence
        try:
            yield
        finally:
            self.held = None
            for name in ("txnAppId", "txnVersion", "txnVersion.autoReset.enabled"):
                spark.conf.unset(f"{_SESSION}{name}")

    def require(self) -> None:
        """Raise an error if the lease is lost. Call it just before a change of something that is no table."""
        if self.held is not None:
            self.held.require()

    def options(self) -> dict[str, str]:
        """The options of the next write of a data frame."""
        return {} if self.held is None else self.held.next()

    def number_next(self, spark: SparkSession) -> None:
        """Number the next MERGE, DELETE or UPDATE of the session."""
        if self.held is not None:
            for name, value in self.held.next().items():
                spark.conf.set(f"{_SESSION}{name}", value)
            spark.conf.set(f"{_SESSION}txnVersion.autoReset.enabled", "true")


def once(app: str, number: int) -> dict[str, str]:
    """Options with which Delta skips a write if the table has one of the application with this number or a higher."""
    return {"txnAppId": app, "txnVersion": str(number)}


@contextmanager
def every_write_committed(spark: SparkSession) -> Iterator[None]:
    """Make Delta commit a write, and sign it, also if no row changes, while the block runs."""
    with session_settings(spark, {"spark.databricks.delta.skipRecordingEmptyCommits": "false"}):
        yield


@contextmanager
def session_settings(spark: SparkSession, values: Mapping[str, str]) -> Iterator[None]:
    """Change settings of the session while the block runs."""
    before = {name: spark.conf.get(name, None) for name in values}
    for name, value in values.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)
