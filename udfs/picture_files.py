"""Opens picture files, also those that are slightly damaged or have unusual metadata."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from udfs.picture_formats import FORMATS

JPEG = ("JPEG", "MPO")
_LEAST_ROWS = 0.95
"""A JPEG of which this share of the rows can be decoded is used without the others."""
_START_OF_SCAN = b"\xff\xda"
_MAX_SCANS = 20
"""A JPEG of `max_pixels` may have this many scans, a smaller one more. Encoders write 10 at most."""
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_PIXELS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"tIME", b"pHYs", b"sPLT", b"hIST")
"""Chunks of a PNG that do not change its pixels."""
_UNLIKELY = (1, 254, 3, 251)
"""The colour of rows before they are decoded: no row of a picture has only this one."""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's warnings about a picture are not useful here, because the picture gets a status.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# `max_pixels` is checked before decoding, so the warning is not needed; Pillow's error at 179 million pixels stays.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


Size = tuple[int, int]
"""Width and height in pixels."""


def open_picture(data: bytes) -> Image.Image:
    """Open a picture file and read its header; a PNG without its metadata if Pillow cannot read them.

    Raises:
        Exception: it is no picture of a known format; decoders raise errors of many types.
    """
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise
    except Exception:
        plain = without_metadata(data)
        if plain == data:
            raise
        return Image.open(io.BytesIO(plain), formats=FORMATS)


def load_picture(image: Image.Image, data: bytes, draft: Size) -> Image.Image:
    """Decode the first frame of an opened picture and turn it upright.

    Of a JPEG that is cut off, the rows that are there are returned if they are at least 95 %.

    Args:
        image: the opened picture; not to be used afterwards.
        data: the bytes of its file.
        draft: a JPEG that is twice, four or eight times as large is decoded at a half, a quarter or an eighth of its
            size.

    Raises:
        Exception: it cannot be decoded; decoders raise errors of many types.
    """
    kind, orientation = image.format, _orientation(image)
    image.draft(None, draft)
    try:
        image.load()
    except Exception:
        plain = without_metadata(data)
        if kind in JPEG:
            image = _upper_rows(data, draft)
        elif plain == data:
            raise
        else:
            image = Image.open(io.BytesIO(plain), formats=FORMATS)
            image.load()
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _orientation(image: Image.Image) -> int | None:
    """The orientation in the metadata; None if there is none that is valid, or if they are damaged."""
    try:
        found = image.getexif().get(_ORIENTATION)
        return found if isinstance(found, int) else None
    except Exception:  # damaged metadata raise many types
        return None


def _upper_rows(data: bytes, draft: tuple[int, int]) -> Image.Image:
    """The rows of a JPEG that is cut off, without those that cannot be decoded.

    Raises:
        OSError: fewer than 95 % of them can.
    """
    image = open_picture(data)
    image.draft(None, draft)
    bands = len(image.getbands())
    unlikely = _UNLIKELY[:bands] if bands > 1 else _UNLIKELY[0]
    image.im = Image.new(image.mode, image.size, unlikely).im
    try:
        image.load()
    except OSError:
        image.tile = []  # type: ignore[attr-defined]  # what is decoded counts as loaded
    rows = np.asarray(image).reshape(image.height, image.width, bands)
    decoded = int(np.flatnonzero((rows != np.array(unlikely, np.uint8)).any(axis=(1, 2))).max(initial=-1)) + 1
    if decoded < _LEAST_ROWS * image.height:
        raise OSError(f"only {decoded} of {image.height} rows can be decoded")
    return image.crop((0, 0, image.width, decoded))


def is_too_large(image: Image.Image, data: bytes, max_pixels: int) -> bool:
    """Whether decoding a picture would take too much memory or time, as its header and its markers tell.

    Args:
        image: the opened picture.
        data: its bytes.
        max_pixels: a picture of more (width x height, from its header), or a JPEG of that size with more than 20 scans,
            is too large.
    """
    pixels = image.width * image.height
    if image.format not in JPEG:
        return pixels > max_pixels
    # Every scan of a JPEG goes through all its pixels, and takes a hundred bytes if it changes none.
    return pixels > max_pixels or pixels * data.count(_START_OF_SCAN) > _MAX_SCANS * max_pixels


def without_metadata(data: bytes) -> bytes:
    """A PNG without the chunks that do not change its pixels; other files and damaged ones as they are."""
    if not data.startswith(_PNG):
        return data
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] not in _NO_PIXELS:
            kept.append(data[start:end])
        start = end
    return b"".join(kept)
