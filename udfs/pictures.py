"""Decode pictures of any format, size and mode to tensors; a bad picture results in a status, never an exception."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.reasons import ImageStatus
from schemas.tensors import CHANNELS, PictureBatch
from udfs.blank_pictures import is_blank
from udfs.picture_files import is_too_large, load_picture, open_picture
from udfs.picture_formats import unsupported_format
from udfs.picture_uris import read_uri

_STRIP_PIXELS = 1 << 20
_PADDING = 255


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
        blank_deviation: a picture whose channels all have a smaller standard deviation (0 to 255), and in which nothing
            differs from what is near it, is blank.
        keep_aspect: scale the picture to fit and pad it with white, centred, as frozen encoders expect it.
        threads: pictures decoded at once.

    Returns:
        Pixels, presence, status, size and format of each picture. A format that is known but not read has the status
        `unsupported_format`; truncated data and all else that cannot be decoded `corrupt`.
    """
    pixels = np.zeros((len(images), height, width, CHANNELS), np.uint8)
    sizes = np.zeros((len(images), 2), np.int32)
    decode_one = partial(_decode_into, max_pixels=max_pixels, blank_deviation=blank_deviation, keep_aspect=keep_aspect)
    decoded = list((_pool(threads).map if threads > 1 else map)(decode_one, images, pixels, sizes))
    present = np.array([status == ImageStatus.OK for status, _ in decoded], dtype=np.bool_)
    return PictureBatch(
        pixels=pixels,
        present=present,
        status=[status.value for status, _ in decoded],
        sizes=sizes,
        formats=[kind for _, kind in decoded],
    )


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
) -> tuple[ImageStatus, str | None]:
    """Decode one picture into its slice of the batch; the slice stays zero unless the status is ok. Sets its size.

    Returns:
        The status, and the name of the file's format, None if it is not known.
    """
    if not data:
        return ImageStatus.MISSING, None
    height, width = out.shape[:2]
    try:
        image = open_picture(data)
        size[:] = image.size
        if is_too_large(image, data, max_pixels):
            return ImageStatus.TOO_LARGE, image.format
        kind = image.format
        # JPEG can downscale by 2, 4 or 8 while decoding; twice the target size is enough for a good resize.
        side = 2 * max(height, width)
        image = load_picture(image, data, fit(image.size, (side, side)) if keep_aspect else (side, side))
        target = fit(image.size, (width, height)) if keep_aspect else (width, height)
        small = resize_to_rgb(image, target, Image.Resampling.BILINEAR)
    except Image.DecompressionBombError:
        return ImageStatus.TOO_LARGE, None
    except Exception:  # decoders raise many types: OSError, SyntaxError, struct.error, ...
        kind = unsupported_format(data)
        return (ImageStatus.CORRUPT if kind is None else ImageStatus.UNSUPPORTED_FORMAT), kind
    if is_blank(small, blank_deviation):
        return ImageStatus.BLANK, kind
    rgb = np.asarray(small, dtype=np.uint8)
    top, left = (height - rgb.shape[0]) // 2, (width - rgb.shape[1]) // 2
    if keep_aspect:
        out[...] = _PADDING
    out[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return ImageStatus.OK, kind


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size (width, height) of the same aspect that fits into the box; at least one pixel."""
    scale = min(box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


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
