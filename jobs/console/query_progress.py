"""Tells, while a query takes long, how much of it Spark has done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

_EVERY = 20.0
"""Seconds between two messages, and for how long a stage runs before the first."""


@dataclass(frozen=True)
class Stage:
    """A stage of a query that is being run.

    Attributes:
        tasks: number of its tasks.
        done: number of finished tasks.
        rows: number of rows that its tasks have read so far, as they report every ten seconds.
        seconds: how long it has run.
    """

    tasks: int
    done: int
    rows: int
    seconds: float


def describe(stages: Sequence[Stage], longer_than: float) -> str | None:
    """What the long stages have done; None: nothing that could be told, as while training processes run as tasks."""
    long = [stage for stage in stages if stage.seconds >= longer_than]
    done, rows = sum(stage.done for stage in long), sum(stage.rows for stage in long)
    if not done and not rows:
        return None
    tasks = sum(stage.tasks for stage in long)
    return f"{done:,} of {tasks:,} tasks done, {rows:,} rows read"


@contextmanager
def told_progress(session: SparkSession, tell: Callable[[str], None], every: float = _EVERY) -> Iterator[None]:
    """Tell what queries of the block have done, while one of their stages takes long and as long as something changes.

    Args:
        session: the session.
        tell: prints a message. It is called from another thread.
        every: seconds between two messages.
    """
    ended = threading.Event()

    def watch() -> None:
        told = None
        while not ended.wait(every):
            try:
                message = describe(_active(session), every)
            except (Py4JError, OSError):  # Spark has died, which the query itself reports
                return
            if message and message != told:
                tell(message)
            told = message

    watcher = threading.Thread(target=watch, name="query progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _active(session: SparkSession) -> list[Stage]:
    context: Any = session.sparkContext._jsc  # noqa: SLF001
    found, now = context.sc().statusStore().activeStages(), time.time()
    stages = [found.apply(number) for number in range(found.size())]
    return [
        Stage(
            stage.numTasks(),
            stage.numCompleteTasks(),
            stage.inputRecords() + stage.shuffleReadRecords(),
            now - stage.submissionTime().get().getTime() / 1000,
        )
        for stage in stages
        if stage.submissionTime().isDefined()
    ]
