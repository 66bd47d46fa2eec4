"""The columns that all encoding methods return, and the check that they are equal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.result_files import pairs_with_first

VECTOR_COLUMNS = ("listing_id", "image_status", "vector")
"""The columns of `udfs.picture_features` that all methods return."""
_RELATIVE, _ABSOLUTE = 2.0**-9, 1e-3
"""Batches of other sizes add in another order, which can change the last of 11 bits."""


def assert_equal_vectors(files: Mapping[str, Path], listings: int) -> None:
    """Assert that all methods give the same statuses and vectors for the same listings.

    Args:
        files: method -> a Parquet file with the columns `VECTOR_COLUMNS`.
        listings: the number of listings.
    """
    for pair, frame, expected in pairs_with_first(files, listings):
        differ = frame["image_status"] != expected["image_status"]
        assert not differ.any(), f"{pair} differ in image_status: {list(frame.index[differ][:5])}"
        assert (frame["vector"].isna() == expected["vector"].isna()).all(), f"{pair} differ in missing vectors"
        here, there = (_vectors(each["vector"]) for each in (frame, expected))
        same = np.isclose(here, there, rtol=_RELATIVE, atol=_ABSOLUTE).all(axis=1)
        assert same.all(), f"{pair} differ in vector: {list(frame.index[frame['vector'].notna()][~same][:5])}"


def _vectors(column: pd.Series) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    stored = column.dropna()
    return np.frombuffer(b"".join(stored), "<f2").reshape(len(stored), -1).astype(np.float32)
