"""Turns the pixels that Spark's image data source has decoded back into a picture file."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import cast

import numpy as np
import pandas as pd
from PIL import Image
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

_RED_FIRST = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
"""Number of channels -> their order in a PNG. Spark keeps them as OpenCV does: blue, green, red, alpha."""


def encode_udf() -> Callable[[Column], Column]:
    """Make a UDF: a struct of Spark's image data source -> the picture as PNG, as `encode`."""

    def each(pictures: pd.DataFrame) -> pd.Series:
        columns = (pictures[name] for name in ("height", "width", "nChannels", "data"))
        return pd.Series([encode(*row) for row in zip(*columns, strict=True)], dtype=object)

    udf = pandas_udf(each, "binary")  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def encode(height: float | None, width: float | None, channels: float | None, data: bytes | None) -> bytes | None:
    """Encode pixels as a PNG.

    Args:
        height, width: in pixels.
        channels: 1 (grey), 3 or 4 (with alpha).
        data: height x width x channels bytes, row by row.

    Returns:
        The PNG; None if there are no pixels. Pixels that do not fit the sizes stay as they are, and are found to be
        no picture later.
    """
    if data is None or not len(data):
        return None
    sizes = [0 if size is None or not size > 0 else int(size) for size in (height, width, channels)]
    if sizes[2] not in _RED_FIRST or sizes[0] * sizes[1] * sizes[2] != len(data):
        return bytes(data)
    pixels = np.frombuffer(data, np.uint8).reshape(sizes)[:, :, _RED_FIRST[sizes[2]]]
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.squeeze(2) if sizes[2] == 1 else pixels)).save(out, "PNG")
    return out.getvalue()
