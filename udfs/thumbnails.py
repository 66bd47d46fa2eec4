"""Thumbnails for the report, made in the executors so that no large picture reaches the driver."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from PIL import Image

from udfs.picture_files import is_too_large, load_picture, open_picture
from udfs.pictures import fit, load_images, resize_to_rgb

_QUALITY = 82

THUMBNAIL = "listing_id STRING, thumbnail BINARY"
"""The output schema of `make_thumbnails`; `thumbnail` is null if there is no readable picture."""


def thumbnail(data: bytes | None, side: int, max_pixels: int) -> bytes | None:
    """A JPEG of at most `side` x `side` pixels with the original aspect ratio, upright and without metadata.

    Args:
        data: an encoded picture; None or empty where there is none.
        side: in pixels; a smaller picture is not enlarged.
        max_pixels: a picture of more (width x height, from its header) is not decoded.

    Returns:
        None if there is no picture, or if it cannot be decoded.
    """
    if not data:
        return None
    small = io.BytesIO()
    try:
        image = open_picture(data)
        if is_too_large(image, data, max_pixels):
            return None
        image = load_picture(image, data, (2 * side, 2 * side))
        box = (min(side, image.width), min(side, image.height))
        rgb = resize_to_rgb(image, fit(image.size, box), Image.Resampling.LANCZOS)
        rgb.save(small, "JPEG", quality=_QUALITY, optimize=True)
    except Exception:  # decoders raise many types: OSError, SyntaxError, struct.error, ...
        return None
    return small.getvalue()


def make_thumbnails(
    side: int, max_pixels: int, prefixes: tuple[str, ...], max_bytes: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Make a function for `mapInArrow`: listing_id, image, image_uri -> the columns of `THUMBNAIL`.

    Args:
        side, max_pixels: as in `thumbnail`.
        prefixes, max_bytes: as in `udfs.picture_uris.read_uri`.
    """

    def shrink(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            images, uris = (batch.column(name).to_pylist() for name in ("image", "image_uri"))
            loaded = load_images(images, uris, prefixes, max_bytes)
            small = [thumbnail(data, side, max_pixels) for data, _ in loaded]
            yield pa.record_batch(
                [batch.column("listing_id"), pa.array(small, pa.binary())], names=["listing_id", "thumbnail"]
            )

    return shrink
