"""A picture that shows nothing is blank, and a small pale product on white is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from udfs.blank_pictures import is_blank, largest_deviation

SIDE = 128
BELOW = 4.0


def seen(pixels: NDArray[np.float64] | Image.Image, *, noise: float = 0.0, quality: int = 75) -> Image.Image:
    """The picture as the encoder sees it, after noise of the camera and JPEG."""
    values = np.asarray(pixels, np.float64)
    noisy = values + np.random.default_rng(8).normal(0, noise, values.shape)
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return Image.open(stream).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)


def product(area: float, paler: int, channels: tuple[int, ...] = (0, 1, 2), size: int = 500) -> Image.Image:
    """A round product in the middle of a white square."""
    image = Image.new("RGB", (size, size), (252, 252, 252))
    radius, middle = size * float(np.sqrt(area / np.pi)), size / 2
    colour = tuple(252 - paler * (channel in channels) for channel in range(3))
    box = (middle - radius, middle - radius, middle + radius, middle + radius)
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image


@pytest.mark.parametrize("quality", [50, 70, 95])
@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("area", [0.005, 0.02, 0.05])
def test_a_small_pale_product_on_white_is_not_blank(area: float, noise: float, quality: int) -> None:
    for paler, channels in ((10, (0, 1, 2)), (20, (2,))):
        image = seen(product(area, paler, channels), noise=noise, quality=quality)
        assert not is_blank(image, BELOW), (paler, channels)
    assert largest_deviation(seen(product(0.005, 10))) < BELOW, "its deviation alone does not tell"


@pytest.mark.parametrize("size", [200, 500])
@pytest.mark.parametrize("noise", [0.0, 2.0, 4.0])
@pytest.mark.parametrize("quality", [50, 70, 95])
def test_one_colour_a_faint_gradient_and_a_frame_are_blank(quality: int, noise: float, size: int) -> None:
    down, right = np.mgrid[:size, :size] / size
    flat = np.full((size, size, 3), (212.0, 180.0, 90.0))
    gradient = flat + (12 * (0.6 * down + 0.4 * right))[..., None]
    vignette = flat - (24 * ((down - 0.5) ** 2 + (right - 0.5) ** 2))[..., None]
    frame = Image.new("RGB", (size, size), (250, 250, 250))
    ImageDraw.Draw(frame).rectangle((size // 50, size // 50, size - size // 50, size - size // 50), outline="#e6e6e6")
    for name, picture in {"flat": flat, "gradient": gradient, "vignette": vignette, "frame": frame}.items():
        assert is_blank(seen(picture, noise=noise, quality=quality), BELOW), name


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (4, 4)])
def test_pictures_of_any_size_can_be_judged(size: tuple[int, int]) -> None:
    assert is_blank(Image.new("RGB", size, (9, 200, 9)), BELOW)
    assert not is_blank(Image.new("RGB", size, (9, 200, 9)), 0.0)


def test_the_deviation_is_that_of_the_pixels() -> None:
    random = np.random.default_rng(5)
    for spread in (1, 4, 90, 255):
        image = Image.fromarray(random.integers(0, spread + 1, (41, 33, 3), np.uint8))
        assert largest_deviation(image) == pytest.approx(np.asarray(image).std(axis=(0, 1)).max(), abs=1e-9)
    assert largest_deviation(Image.new("RGB", (33, 41), (250, 251, 7))) < 1e-4
