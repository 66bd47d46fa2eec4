"""Caching of data frames that are released again."""

from __future__ import annotations

from contextlib import ExitStack

from pyspark.sql import DataFrame


def cached(frame: DataFrame, until: ExitStack) -> DataFrame:
    """Cache a frame and release it when an `ExitStack` closes, also after an error.

    A session may be shared. A frame that is already cached, also by other code, is not released.

    Args:
        frame: the frame to cache. It is computed when it is first used.
        until: the stack. It releases caches in reverse order, so that no cache outlives the caches that it was
            computed from.

    Returns:
        The same frame.
    """
    level = frame.storageLevel
    if not (level.useMemory or level.useDisk):
        until.callback(frame.persist().unpersist)
    return frame
