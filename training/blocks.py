"""Work on many rows block by block, and keep what has a value per row and category in a file, not in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from schemas.arrays import Ints
from training.heartbeat import HEARTBEAT

_ROWS = 4096


def blocks(rows: Ints) -> Iterator[Ints]:
    """Split rows into blocks of about 4,096; one empty block if there are no rows. Each is progress of this rank."""
    for block in np.array_split(rows, max(len(rows) // _ROWS, 1)):
        HEARTBEAT.beat()
        yield block


def write_rows(path: Path, parts: Iterable[NDArray[Any]], columns: int) -> NDArray[np.float32]:
    """Write blocks of rows to a file one by one, and memory-map it.

    Args:
        path: the file, as for `create`.
        parts: arrays of shape (rows, columns), stored as float32.
        columns: their width.

    Returns:
        All rows, read-only. Pages that are not in use need no memory.
    """
    rows = 0
    with create(path) as file:
        for part in parts:
            np.asarray(part, np.float32).tofile(file)
            rows += len(part)
    return map_file(path, np.float32, (rows, columns))


def create(path: Path) -> BinaryIO:
    """Open a file for writing; one that exists is replaced, but arrays that are mapped from it stay as they are."""
    path.unlink(missing_ok=True)
    return path.open("wb")


def map_file(path: Path, kind: type, shape: tuple[int, ...]) -> NDArray[Any]:
    """Memory-map a file as an array, read-only; an empty file cannot be mapped and becomes an empty array."""
    return np.asarray(np.memmap(path, kind, "r", shape=shape)) if np.prod(shape) else np.zeros(shape, kind)
