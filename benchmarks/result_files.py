"""Reads the files in which methods wrote their results, for comparisons row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq


def pairs_with_first(files: Mapping[str, Path], listings: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Each method's results with those of the first method, after asserting that both have the same listings.

    Args:
        files: method -> a Parquet file with the column listing_id.
        listings: the number of listings.

    Yields:
        The names of both, the method's results and the first one's, by listing_id.
    """
    frames = {
        name: pq.read_table(path).to_pandas().set_index("listing_id").sort_index() for name, path in files.items()
    }
    (first, expected), *others = frames.items()
    assert expected.index.nunique() == len(expected) == listings, f"{first}: {len(expected)} of {listings} listings"
    for name, frame in others:
        pair = f"{name} and {first}"
        assert frame.index.equals(expected.index), f"{pair} have different listings"
        yield pair, frame, expected
