"""Decode pictures of any format, size and mode to tensors; a bad picture results in a status, never an exception."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin

from schemas.reasons import ImageStatus
from schemas.tensors import CHANNELS, PictureBatch
from udfs.picture_uris import read_uri

Image.init()
# Pillow also opens formats that run other programs (EPS runs Ghostscript), so only raster formats are allowed. ICO is
# not: the picture inside may be larger than the header says.
_RASTER = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "JPEG2000", "PPM", "TGA", "PCX")
FORMATS = tuple(kind for kind in _RASTER if kind in Image.OPEN)
# Otherwise Pillow keeps a list of the tiles of an uncompressed TIFF, which can take a hundred times the file's size.
TiffImagePlugin.READ_LIBTIFF = True
_START_OF_SCAN = b"\xff\xda"
_MAX_SCANS = 20
"""A JPEG of `max_pixels` may have this many scans, a smaller one more. Encoders write 10 at most."""
_STRIP_PIXELS = 1 << 20
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
        max_pixels: a picture of more (width x height, from its header), or a JPEG of that size with more than 20 scans,
            is not decoded. The decoded picture takes up to 12 bytes a pixel.
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
) -> Iterator[tuple[bytes | None, str | None]]:
    """Load the encoded pictures of n listings one by one: the given bytes, or else the file at the URI.

    Args:
        images: n encoded pictures; None where there are no bytes.
        uris: n paths or URIs, read where there are no bytes; None where there is no URI.
        prefixes: as in `udfs.picture_uris.read_uri`.
        max_bytes: larger pictures are left out, given or read.

    Yields:
        The picture and None; or None and the status of a picture that could not be read, None if there is none.
    """
    for image, uri in zip(images, uris, strict=True):
        if image:
            too_large = len(image) > max_bytes
            yield (None, ImageStatus.TOO_LARGE.value) if too_large else (image, None)
        elif uri is not None:
            data, status = read_uri(uri, prefixes, max_bytes)
            yield data, None if status == ImageStatus.OK else status.value
        else:
            yield None, None


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
            if is_too_large(image, data, max_pixels):
                return ImageStatus.TOO_LARGE
            # JPEG can downscale by 2, 4 or 8 while decoding; twice the target size is enough for a good resize.
            side = 2 * max(height, width)
            image.draft(None, fit(image.size, (side, side)) if keep_aspect else (side, side))
            ImageOps.exif_transpose(image, in_place=True)
            target = fit(image.size, (width, height)) if keep_aspect else (width, height)
            small = resize_to_rgb(image, target, Image.Resampling.BILINEAR)
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


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size (width, height) of the same aspect that fits into the box; at least one pixel."""
    scale = min(box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def is_too_large(image: Image.Image, data: bytes, max_pixels: int) -> bool:
    """Whether decoding a picture would take too much memory or time, as its header and its markers tell.

    Args:
        image: the opened picture.
        data: its bytes.
        max_pixels: as in `decode`.
    """
    pixels = image.width * image.height
    if image.format not in ("JPEG", "MPO"):
        return pixels > max_pixels
    # Every scan of a JPEG goes through all its pixels, and takes a hundred bytes if it changes none.
    return pixels > max_pixels or pixels * data.count(_START_OF_SCAN) > _MAX_SCANS * max_pixels


def resize_to_rgb(image: Image.Image, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    """Resize the first frame and convert it to RGB, as `to_rgb` does it.

    The result is that of `to_rgb(image).resize(size, resampling, reducing_gap=2.0)`. A large picture is converted in
    strips, so that the conversions, which take up to 20 bytes a pixel, add little to the decoded picture.
    """
    image.load()
    span = _span(image)
    # As in `Image.resize`: first the means of blocks, then the filter.
    block = max(1, int(image.width / size[0] / 2.0)), max(1, int(image.height / size[1] / 2.0))
    if image.width * image.height <= _STRIP_PIXELS or block == (1, 1):
        return to_rgb(image, span).resize(size, resampling, reducing_gap=2.0)
    means = Image.new("RGB", (math.ceil(image.width / block[0]), math.ceil(image.height / block[1])))
    rows = max(1, _STRIP_PIXELS // (image.width * block[1])) * block[1]
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        means.paste(to_rgb(strip, span).reduce(block), (0, top // block[1]))
    return means.resize(size, resampling, (0, 0, image.width / block[0], image.height / block[1]))


def to_rgb(image: Image.Image, span: tuple[float, float] | None = None) -> Image.Image:
    """The first frame in RGB; transparency becomes white; 16-bit and float grey is scaled to its own range.

    Args:
        image: the picture, or a part of it.
        span: for a part, the least and the greatest value of the whole.
    """
    if _is_deep(image):
        low, high = span or _span(image)
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=low, posinf=high, neginf=low)
        image = Image.fromarray(((grey - low) * (255.0 / max(high - low, 1.0))).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith(("I", "F"))


def _span(image: Image.Image) -> tuple[float, float]:
    """The least and the greatest finite value of a picture in 16 or more bits; (0, 0) if there is none."""
    if not _is_deep(image):
        return 0.0, 0.0
    spans = []
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        grey = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        finite = grey[np.isfinite(grey)]
        if finite.size:
            spans.append((float(finite.min()), float(finite.max())))
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else (0.0, 0.0)


@lru_cache(maxsize=2)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
