"""Caching of data frames that are released again."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from pyspark.sql import DataFrame


def cached(frame: DataFrame, until: ExitStack) -> DataFrame:
    """Cache a frame and release it when an `ExitStack` closes, also after an error.

    A session may be shared. A frame that is already cached, also by other code, is returned as it is and not released.

    Args:
        frame: the frame to cache. It is computed when it is first used; with adaptive execution, up to its last shuffle
            at once.
        until: the stack. It releases caches in reverse order, so that no cache outlives the caches that it was
            computed from.

    Returns:
        The same rows. Their plan begins here, and not with what they are computed from.
    """
    level = frame.storageLevel
    if level.useMemory or level.useDisk:
        return frame
    session = frame.sparkSession
    internals: Any = session._jsparkSession  # noqa: SLF001
    jvm: Any = session.sparkContext._jvm  # noqa: SLF001
    sql, rows = jvm.org.apache.spark.sql, frame._jdf.queryExecution().toRdd()  # noqa: SLF001
    # The plan of a cached frame would be part of that of every query that uses it, and so on with caches of caches.
    # Spark writes plans as text, with adaptive execution at each step: on a cluster that was 19 of 20 seconds of
    # planning a night. Rows whose origin is hidden are still computed again if an executor is lost.
    of_rows = getattr(getattr(sql.execution, "LogicalRDD$"), "MODULE$")
    plan = of_rows.fromDataset(rows, frame._jdf, False)  # noqa: SLF001
    # Without its order: that of an earlier cache may name columns that the frame has no longer, and joining the frame
    # with itself then fails (NoSuchElementException in InMemoryRelation.withOutput).
    known = [jvm.scala.Some(each) for each in (plan.computeStats(), plan.constraints())]
    no_order = jvm.scala.collection.immutable.List.newBuilder().result()
    plan = plan.copy(plan.output(), rows, plan.outputPartitioning(), no_order, False, plan.stream(), internals, *known)
    hidden = DataFrame(sql.classic.Dataset.ofRows(internals, plan), session)
    until.callback(hidden.persist().unpersist)
    return hidden
