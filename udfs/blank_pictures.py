"""Tells pictures that show nothing: one colour, with or without noise, a faint gradient or a frame around it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.tensors import CHANNELS

_LEVELS = np.arange(256.0)
_CELLS = 32
"""The longer side of a picture is compared in this many cells. An object of half a percent of the area covers four."""
_MARGIN = 0.08
"""Share of each side that is not compared, because a frame may be there."""
_STEP = 3
"""Cells that far apart are compared: further than the blur of an edge, near enough for a gradient to be faint."""
_CONTRAST = 5.0
"""A smaller difference of two cells, 0 to 255, may come from JPEG's rounding of a flat colour."""
_NOISES = 6.0
"""A difference of fewer standard deviations may be noise: of some thousand differences, the largest has four."""
_MAD_TO_DEVIATION = 1.4826


def is_blank(image: Image.Image, deviation: float) -> bool:
    """Whether a picture shows nothing.

    It does if its channels have a large standard deviation, or if a part of it, such as a small pale product on white,
    differs from what is near it by more than noise. A frame within 8 % of the sides does not count.

    Args:
        image: RGB, as small as the encoder sees it.
        deviation: the standard deviation of a channel, 0 to 255, from which a picture is never blank. With 0, none is.
    """
    return largest_deviation(image) < deviation and not _has_contrast(image)


def largest_deviation(image: Image.Image) -> float:
    """The largest standard deviation of a channel, from Pillow's histogram: 20 times as fast as from the pixels."""
    counts = np.array(image.histogram(), np.float64).reshape(CHANNELS, 256) / (image.width * image.height)
    mean, mean_square = counts @ _LEVELS, counts @ _LEVELS**2
    return float(np.sqrt(np.maximum(mean_square - mean**2, 0.0)).max())


def _has_contrast(image: Image.Image) -> bool:
    cells = _cells(image)
    rows, columns = (math.ceil(_MARGIN * side) for side in cells.shape[:2])
    inside = cells[rows : cells.shape[0] - rows, columns : cells.shape[1] - columns]
    parts = (np.abs(inside[_STEP:] - inside[:-_STEP]), np.abs(inside[:, _STEP:] - inside[:, :-_STEP]))
    differences = np.concatenate([part.reshape(-1, CHANNELS) for part in parts])
    if not differences.size:
        return False
    noise = _MAD_TO_DEVIATION * np.median(differences, axis=0)
    return bool((differences.max(axis=0) > np.maximum(_CONTRAST, _NOISES * noise)).any())


def _cells(image: Image.Image) -> NDArray[np.float64]:
    """The mean colours of square cells of the picture; the last row and column may be smaller."""
    size = max(1, math.ceil(max(image.size) / _CELLS))
    return np.asarray(image.reduce(size), np.float64)
