"""Small pictures for people to look at, made in the executors, so that no large one reaches the driver."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from PIL import Image, ImageOps

from schemas.reasons import ImageStatus
from udfs.pictures import FORMATS, to_rgb
from udfs.sources import read_uri

_QUALITY = 82

THUMBNAIL = "listing_id STRING, thumbnail BINARY"
"""What `make_thumbnails` gives, as Spark types; `thumbnail` is null where there is no picture to see."""


def thumbnail(data: bytes | None, side: int, max_pixels: int) -> bytes | None:
    """A JPEG of at most `side` x `side` pixels, in the picture's own proportions, upright, without its metadata.

    Args:
        data: an encoded picture; None or empty where there is none.
        side: in pixels; a smaller picture is not enlarged.
        max_pixels: a picture of more (width x height, from its header) is not decoded.

    Returns:
        None where there is no picture, or none that can be decoded.
    """
    if not data:
        return None
    small = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                return None
            image.draft(None, (2 * side, 2 * side))
            rgb = to_rgb(ImageOps.exif_transpose(image))
        rgb.thumbnail((side, side), Image.Resampling.LANCZOS)
        rgb.save(small, "JPEG", quality=_QUALITY, optimize=True)
    except Exception:  # a decoder of foreign bytes raises anything at all: OSError, SyntaxError, struct.error, ...
        return None
    return small.getvalue()


def make_thumbnails(
    side: int, max_pixels: int, prefixes: tuple[str, ...], max_bytes: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """A function for `mapInArrow`: listing_id, image, image_uri -> the columns of `THUMBNAIL`.

    Args:
        side, max_pixels: as in `thumbnail`.
        prefixes, max_bytes: as in `udfs.sources.read_uri`.
    """

    def shrink(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            images = batch.column("image").to_pylist()
            uris = batch.column("image_uri").to_pylist()
            small = [thumbnail(_content(i, u), side, max_pixels) for i, u in zip(images, uris, strict=True)]
            yield pa.record_batch(
                [batch.column("listing_id"), pa.array(small, pa.binary())], names=["listing_id", "thumbnail"]
            )

    def _content(image: bytes | None, uri: str | None) -> bytes | None:
        if image is not None or uri is None:
            return image
        data, status = read_uri(uri, prefixes, max_bytes)
        return data if status is ImageStatus.OK else None

    return shrink
