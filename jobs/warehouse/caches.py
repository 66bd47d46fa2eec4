"""Caching of data frames that are released again."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from pyspark.sql import DataFrame


def cached(frame: DataFrame, until: ExitStack) -> DataFrame:
    """Cache a frame and release it when an `ExitStack` closes, also after an error.

    A session may be shared. A frame that is already cached, also by other code, is not released.

    Args:
        frame: the frame to cache. It is computed when it is first used.
        until: the stack. It releases caches in reverse order, so that no cache outlives the caches that it was
            computed from.

    Returns:
        The same rows. Their plan begins with the cache, and not with what they are computed from.
    """
    session = frame.sparkSession
    jvm: Any = session.sparkContext._jvm  # noqa: SLF001
    of_plan = jvm.org.apache.spark.sql.classic.Dataset.ofRows
    plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
    if plan.getClass().getSimpleName() == "InMemoryRelation":
        return frame
    level = frame.storageLevel
    if not (level.useMemory or level.useDisk):
        until.callback(frame.persist().unpersist)
    # Spark keeps the whole plan of a cached frame, and compares all of it with all caches in every query that uses the
    # frame. After a few caches, a night would plan its queries for longer than it runs them. This takes an execution of
    # its own, because the frame's may have been planned before it was cached.
    in_cache = of_plan(session._jsparkSession, plan).queryExecution().withCachedData()  # noqa: SLF001
    return DataFrame(of_plan(session._jsparkSession, in_cache), session)  # noqa: SLF001
