"""Joins with few rows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_BROADCAST_ROWS = 500_000
"""Up to this many rows are broadcast to all tasks."""


def broadcast_if_few(rows: DataFrame, count: int) -> DataFrame:
    """Broadcast rows in the next join if they are few, so that the other side, with pictures or vectors, is not sorted.

    Args:
        rows: narrow rows.
        count: their approximate number.
    """
    return F.broadcast(rows) if count <= _BROADCAST_ROWS else rows
