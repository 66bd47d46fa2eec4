from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from udfs.miniatures import distances, miniature


def saved_again(pixels: NDArray[np.uint8], quality: int, side: int) -> NDArray[np.uint8]:
    """A picture after a program has scaled and saved it; scaled back."""
    file = io.BytesIO()
    Image.fromarray(pixels).resize((side, side)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB").resize((pixels.shape[1], pixels.shape[0])))


def test_a_copy_is_near_and_another_picture_is_far() -> None:
    rng = np.random.default_rng(5)
    rough = rng.integers(0, 256, (2, 6, 6, 3), dtype=np.uint8)
    first, second = (np.asarray(Image.fromarray(each).resize((96, 96))) for each in rough)
    copies = [saved_again(first, 60, 96), saved_again(first, 75, 64), saved_again(first, 95, 200)]
    near = distances([miniature(first)] * 3, [miniature(copy) for copy in copies])
    assert (near < 2.0).all()
    [far] = distances([miniature(first)], [miniature(second)])
    assert far > 20


def test_the_distance_is_counted_in_levels_and_missing_ones_have_none() -> None:
    grey = miniature(np.full((50, 30, 3), 100, np.uint8))
    lighter = miniature(np.full((8, 8, 3), 103, np.uint8))
    assert grey == bytes([100]) * 192
    got = distances([grey, grey, None, None], [lighter, grey, grey, None])
    assert got[:2].tolist() == pytest.approx([3.0, 0.0])
    assert np.isnan(got[2:]).all()
    assert distances([], []).tolist() == []
