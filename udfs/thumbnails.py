"""Small pictures for people to look at, made in the executors, so that no large one reaches the driver."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from PIL import Image, ImageOps

from udfs.pictures import FORMATS, load_images, to_rgb

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
        prefixes, max_bytes: as in `udfs.picture_uris.read_uri`.
    """

    def shrink(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            images, uris = (batch.column(name).to_pylist() for name in ("image", "image_uri"))
            loaded, _ = load_images(images, uris, prefixes, max_bytes)
            small = [thumbnail(data, side, max_pixels) for data in loaded]
            yield pa.record_batch(
                [batch.column("listing_id"), pa.array(small, pa.binary())], names=["listing_id", "thumbnail"]
            )

    return shrink
