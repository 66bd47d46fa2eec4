"""How alike two pictures are, by their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from schemas.arrays import Floats


def cosine_udf() -> Callable[[Column, Column], Column]:
    """Make a UDF: two columns of vectors (float16, little-endian) -> `cosines`."""

    def each(a: pd.Series, b: pd.Series) -> pd.Series:
        return pd.Series(cosines(list(a), list(b)))

    udf = pandas_udf(each, "double")  # type: ignore[call-overload]
    return cast("Callable[[Column, Column], Column]", udf)


def cosines(a: Sequence[bytes | None], b: Sequence[bytes | None]) -> Floats:
    """The cosine of each pair of vectors, shape (n,), -1 to 1; NaN where a vector is missing or has length 0.

    Args:
        a, b: n vectors each (float16, little-endian), all of the same size; None is a missing one.
    """
    result = np.full(len(a), np.nan)
    rows = [i for i, pair in enumerate(zip(a, b, strict=True)) if None not in pair]
    if rows:
        one, two = (
            np.stack([np.frombuffer(side[i] or b"", "<f2") for i in rows]).astype(np.float64) for side in (a, b)
        )
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            result[rows] = (one * two).sum(axis=1) / lengths
    return result
