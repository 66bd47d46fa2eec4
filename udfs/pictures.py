"""Decode pictures of any format, size and mode to tensors; a bad picture results in a status, never an exception."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from schemas.reasons import ImageStatus
from schemas.tensors import CHANNELS, PictureBatch
from udfs.picture_uris import read_uri

Image.init()
# Pillow also opens formats that run other programs (EPS runs Ghostscript), so only raster formats are allowed.
_RASTER = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "JPEG2000", "PPM", "TGA", "ICO", "PCX")
FORMATS = tuple(kind for kind in _RASTER if kind in Image.OPEN)
_PADDING = 255
_LEVELS = np.arange(256.0)

# Pillow's warnings about a picture are not useful here, because the picture gets a status.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# `max_pixels` is checked before decoding, so the warning is not needed; Pillow's error at 179 million pixels stays.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def decode(
    images: Sequence[bytes | None],
    *,
    height: int,
    width: int,
    max_pixels: int,
    blank_deviation: float,
    keep_aspect: bool = False,
    threads: int = 1,
) -> PictureBatch:
    """Decode n pictures in parallel (Pillow releases the GIL while it decodes and resizes).

    Args:
        images: encoded pictures; None or empty where there is none.
        height, width: size of the tensors, in pixels; the picture is stretched to it, unless `keep_aspect`.
        max_pixels: a picture of more (width x height, from its header) is not decoded.
        blank_deviation: a picture whose channels all have a smaller standard deviation (0 to 255) is blank.
        keep_aspect: scale the picture to fit and pad it with white, centred, as frozen encoders expect it.
        threads: pictures decoded at once.

    Returns:
        Pixels, presence, status and size of each picture. Truncated data and unknown formats have the status `corrupt`.
    """
    pixels = np.zeros((len(images), height, width, CHANNELS), np.uint8)
    sizes = np.zeros((len(images), 2), np.int32)
    decode_one = partial(_decode_into, max_pixels=max_pixels, blank_deviation=blank_deviation, keep_aspect=keep_aspect)
    status = list((_pool(threads).map if threads > 1 else map)(decode_one, images, pixels, sizes))
    present = np.array([s == ImageStatus.OK for s in status], dtype=np.bool_)
    return PictureBatch(pixels=pixels, present=present, status=[str(s) for s in status], sizes=sizes)


def load_images(
    images: Sequence[bytes | None], uris: Sequence[str | None], prefixes: tuple[str, ...], max_bytes: int
) -> tuple[list[bytes | None], list[str | None]]:
    """Load the encoded pictures of n listings: the given bytes, or else the file at the URI.

    Args:
        images: n encoded pictures; None where there are no bytes.
        uris: n paths or URIs, read where there are no bytes; None where there is no URI.
        prefixes, max_bytes: as in `udfs.picture_uris.read_uri`.

    Returns:
        The pictures, and a status for each picture that could not be read (None for the others).
    """
    loaded, failed = list(images), [None if image else uri for image, uri in zip(images, uris, strict=True)]
    for row, uri in enumerate(failed):
        if uri is not None:
            loaded[row], status = read_uri(uri, prefixes, max_bytes)
            failed[row] = None if status == ImageStatus.OK else str(status)
    return loaded, failed


def _decode_into(
    data: bytes | None,
    out: NDArray[np.uint8],
    size: NDArray[np.int32],
    *,
    max_pixels: int,
    blank_deviation: float,
    keep_aspect: bool,
) -> ImageStatus:
    """Decode one picture into its slice of the batch; the slice stays zero unless the status is ok. Sets its size."""
    if not data:
        return ImageStatus.MISSING
    height, width = out.shape[:2]
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size[:] = image.size
            if image.width * image.height > max_pixels:
                return ImageStatus.TOO_LARGE
            # JPEG can downscale by 2, 4 or 8 while decoding; twice the target size is enough for a good resize.
            side = 2 * max(height, width)
            image.draft(None, _fit(image.size, (side, side)) if keep_aspect else (side, side))
            upright = ImageOps.exif_transpose(image)
            target = _fit(upright.size, (width, height)) if keep_aspect else (width, height)
            small = to_rgb(upright).resize(target, Image.Resampling.BILINEAR, reducing_gap=2.0)
    except Image.DecompressionBombError:
        return ImageStatus.TOO_LARGE
    except Exception:  # decoders raise many types: OSError, SyntaxError, struct.error, ...
        return ImageStatus.CORRUPT
    if _deviation(small) < blank_deviation:
        return ImageStatus.BLANK
    rgb = np.asarray(small, dtype=np.uint8)
    top, left = (height - rgb.shape[0]) // 2, (width - rgb.shape[1]) // 2
    if keep_aspect:
        out[...] = _PADDING
    out[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return ImageStatus.OK


def _deviation(image: Image.Image) -> float:
    """The largest standard deviation of a channel, from Pillow's histogram: 20 times as fast as from the pixels."""
    counts = np.array(image.histogram(), np.float64).reshape(CHANNELS, 256) / (image.width * image.height)
    mean, mean_square = counts @ _LEVELS, counts @ _LEVELS**2
    return float(np.sqrt(np.maximum(mean_square - mean**2, 0.0)).max())


def _fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size (width, height) of the same aspect that fits into the box; at least one pixel."""
    scale = min(box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def to_rgb(image: Image.Image) -> Image.Image:
    """The first frame in RGB; transparency becomes white; 16-bit and float grey is scaled to its own range."""
    if image.mode.startswith(("I", "F")):
        grey = np.asarray(image, dtype=np.float64)
        span = max(float(grey.max() - grey.min()), 1.0)
        image = Image.fromarray(((grey - grey.min()) * (255.0 / span)).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


@lru_cache(maxsize=2)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
