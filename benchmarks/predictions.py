"""The columns that all scoring methods return, and the check that they are equal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.result_files import pairs_with_first

CATEGORIES = ("predicted_category", "text_category", "image_category")
CONFIDENCES = ("confidence", "text_confidence", "image_confidence")
COMMON_COLUMNS = ("listing_id", *CATEGORIES, *CONFIDENCES, "image_status")
"""The columns of `udfs.classify` that all methods return."""
_TOLERANCE = 1e-4


def assert_equal_predictions(files: Mapping[str, Path], listings: int) -> None:
    """Assert that all methods predict the same for the same listings.

    For text and picture only the probabilities are compared: either of two equally probable categories may come first.

    Args:
        files: method -> a Parquet file with the columns `COMMON_COLUMNS`.
        listings: the number of listings.
    """
    for pair, frame, expected in pairs_with_first(files, listings):
        for column in ("predicted_category", "image_status"):
            differ = _texts(frame[column]) != _texts(expected[column])
            assert not differ.any(), f"{pair} differ in {column}: {list(frame.index[differ][:5])}"
        for column in CONFIDENCES:
            here, there = (f[column].to_numpy(np.float64, na_value=np.nan) for f in (frame, expected))
            same = np.isclose(here, there, rtol=0, atol=_TOLERANCE, equal_nan=True)
            assert same.all(), f"{pair} differ in {column}: {list(frame.index[~same][:5])}"


def _texts(column: pd.Series) -> pd.Series:
    """Unify missing categories: MLflow returns the string "None" for them."""
    return column.where(column != "None").fillna("")
