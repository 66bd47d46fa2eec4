"""Caches of data frames, each released by who made it."""

from __future__ import annotations

from contextlib import ExitStack

from pyspark.sql import DataFrame


def cached(frame: DataFrame, until: ExitStack) -> DataFrame:
    """Cache a frame until a stack of clean-ups closes, also where that is because of an error.

    A session may be shared. So what others have cached stays, and so does a frame of theirs that equals this one.

    Args:
        frame: to be computed once, at its first use.
        until: releases the caches that it knows of in reverse order, so that no cache outlives what it is made from.

    Returns:
        The same frame.
    """
    level = frame.storageLevel
    if not (level.useMemory or level.useDisk):
        until.callback(frame.persist().unpersist)
    return frame
