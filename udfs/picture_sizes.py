"""The sizes of pictures, from their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pyarrow as pa

from udfs.picture_files import open_picture
from udfs.pictures import load_images

SIZES = "width INT, height INT"
"""The output schema of `make_sizes`."""
_ROWS = 50
"""Pictures whose bytes are copied from a batch at a time."""


def picture_size(data: bytes | None) -> tuple[int, int] | None:
    """Width and height in pixels; None if there is no picture, or if its header cannot be read."""
    if not data:
        return None
    try:
        return open_picture(data).size
    except Exception:  # decoders raise many types: OSError, SyntaxError, struct.error, ...
        return None


def make_sizes(
    rows: int, prefixes: tuple[str, ...], max_bytes: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Make a function for `mapInArrow`: image, image_uri -> the columns of `SIZES`.

    Args:
        rows: a partition gives no more pictures than this, so that the others need not be read.
        prefixes, max_bytes: as in `udfs.picture_uris.read_uri`.
    """

    def sizes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, int]]:
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS):
                images, uris = (batch.slice(start, _ROWS).column(name).to_pylist() for name in ("image", "image_uri"))
                loaded = load_images(images, uris, prefixes, max_bytes)
                yield from (size for data, _ in loaded if (size := picture_size(data)) is not None)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = list(islice(sizes(batches), rows))
        columns = zip(*found, strict=True) if found else ((), ())
        yield pa.record_batch([pa.array(column, pa.int32()) for column in columns], names=["width", "height"])

    return run
