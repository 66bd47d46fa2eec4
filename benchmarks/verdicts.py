"""What every contestant says of a listing, and that they agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

CATEGORIES = ("predicted_category", "text_category", "image_category")
CONFIDENCES = ("confidence", "text_confidence", "image_confidence")
NARROW = ("listing_id", *CATEGORIES, *CONFIDENCES, "image_status")
"""The columns of `udfs.classify` that all contestants give."""
_TOLERANCE = 1e-4


def agree(said: Mapping[str, Path], listings: int) -> None:
    """Assert that all contestants say the same of the same listings.

    Of text and picture the probabilities are compared, not the names: of two equally probable categories either may
    come first.

    Args:
        said: contestant -> a Parquet file of the columns `NARROW`.
        listings: how many there are.
    """
    frames = {name: pq.read_table(path).to_pandas().set_index("listing_id").sort_index() for name, path in said.items()}
    (first, expected), *others = frames.items()
    assert expected.index.nunique() == len(expected) == listings, f"{first}: {len(expected)} of {listings} listings"
    for name, frame in others:
        whom = f"{name} and {first}"
        assert frame.index.equals(expected.index), f"{whom} judge different listings"
        for column in ("predicted_category", "image_status"):
            differ = _texts(frame[column]) != _texts(expected[column])
            assert not differ.any(), f"{whom} differ in {column}: {list(frame.index[differ][:5])}"
        for column in CONFIDENCES:
            here, there = (f[column].to_numpy(np.float64, na_value=np.nan) for f in (frame, expected))
            same = np.isclose(here, there, rtol=0, atol=_TOLERANCE, equal_nan=True)
            assert same.all(), f"{whom} differ in {column}: {list(frame.index[~same][:5])}"


def _texts(column: pd.Series) -> pd.Series:
    """MLflow writes the name of a missing category as the word None."""
    return column.where(column != "None").fillna("")
