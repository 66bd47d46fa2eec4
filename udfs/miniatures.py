"""Miniatures: pictures of 8 x 8 pixels, which stay nearly the same when a picture is saved again.

A vector looks at details, which a lower quality of a JPEG changes; a miniature is what is left without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from schemas.arrays import Floats

SIDE = 8


def miniature(pixels: NDArray[np.uint8]) -> bytes:
    """The mean colours of 8 x 8 parts of a picture: 192 bytes, RGB, row by row.

    Args:
        pixels: shape (height, width, 3), of any size from 8 x 8 pixels on.
    """
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def distance_udf() -> Callable[[Column, Column], Column]:
    """Make a UDF: two columns of miniatures -> `distances`; null where one is missing."""

    def each(a: pd.Series, b: pd.Series) -> pd.Series:
        return pd.Series(distances(list(a), list(b)))

    udf = pandas_udf(each, "double")  # type: ignore[call-overload]
    return cast("Callable[[Column, Column], Column]", udf)


def distances(a: Sequence[bytes | None], b: Sequence[bytes | None]) -> Floats:
    """The root mean square difference of each pair of miniatures, shape (n,), 0 to 255; NaN where one is missing."""
    result = np.full(len(a), np.nan)
    rows = [i for i, pair in enumerate(zip(a, b, strict=True)) if None not in pair]
    if rows:
        one, two = (
            np.stack([np.frombuffer(side[i] or b"", np.uint8) for i in rows]).astype(np.float64) for side in (a, b)
        )
        result[rows] = np.sqrt(((one - two) ** 2).mean(axis=1))
    return result
