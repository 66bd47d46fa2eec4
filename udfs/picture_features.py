"""Encode the pictures of listings on Spark: a `mapInArrow` function returns the vector of each row's picture.

Each Python worker loads the encoder once. While the network runs on one batch, a thread reads and decodes the next one.
A bad picture results in a status, never in an exception.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from schemas.tables import FEATURES
from schemas.tensors import PictureBatch
from udfs.encoders.folder import open_encoder, read_encoder_spec
from udfs.encoders.picture_encoder import PictureEncoder
from udfs.miniatures import miniature
from udfs.pictures import decode, load_images
from udfs.shipping import ship_folder, shipped_folder

READ = ("listing_id", "content_hash", "image_uri", "image")
"""The columns of listings that encoding reads."""
COLUMNS = tuple(c for c in FEATURES.columns if c.name not in ("encoder", "encoded_at", "superseded_at"))
"""The columns that encoding returns."""
_TASK_ROWS = (100, 10_000)
"""Fewest and most pictures of a task: fewer would not repay loading the encoder."""
_LOADED = 16
"""Pictures whose files are in memory at a time: with `max_image_bytes`, this bounds a worker's memory."""


@dataclass(frozen=True)
class Encoding:
    """The parameters of encoding in executors.

    Attributes:
        size: side of the encoder's square input, in pixels.
        batch_rows: listings per batch; bounds a worker's memory.
        threads: CPU cores per task, for the network and for decoding.
        prefixes: the prefixes below which picture URIs may be read (`udfs.picture_uris.read_uri`).
        max_image_bytes: larger pictures are neither read nor decoded.
        max_pixels, blank_deviation: as in `udfs.pictures.decode`.
    """

    size: int
    batch_rows: int
    threads: int
    prefixes: tuple[str, ...]
    max_image_bytes: int
    max_pixels: int
    blank_deviation: float


def encode_listings(
    listings: DataFrame,
    encoder: Path,
    *,
    rows: int,
    batch_rows: int,
    prefixes: tuple[str, ...],
    max_image_bytes: int,
    max_pixels: int,
    blank_deviation: float,
) -> DataFrame:
    """Encode the pictures of listings. The result is lazy: write it to a table before reading it more than once.

    Args:
        listings: the columns of `READ`; one row per listing.
        encoder: folder of the encoder on the driver (`udfs.encoders.folder`).
        rows: approximate number of listings; determines the number of tasks.
        batch_rows, prefixes, max_image_bytes, max_pixels, blank_deviation: as in `Encoding`.

    Returns:
        One row per listing with the columns of `COLUMNS`.
    """
    context = listings.sparkSession.sparkContext
    archive = ship_folder(listings.sparkSession, encoder)
    encoding = Encoding(
        size=read_encoder_spec(encoder).size,
        batch_rows=batch_rows,
        threads=int(context.getConf().get("spark.task.cpus", "1") or 1),
        prefixes=prefixes,
        max_image_bytes=max_image_bytes,
        max_pixels=max_pixels,
        blank_deviation=blank_deviation,
    )

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        folder = shipped_folder(archive)
        yield from encode_batches(batches, lambda: _encoder(folder, encoding.threads), encoding)

    schema = ", ".join(f"{c.name} {c.type}" for c in COLUMNS)
    tasks = _tasks(rows, context.defaultParallelism)
    return listings.select(*READ).repartition(tasks).mapInArrow(run, schema)


def _tasks(rows: int, slots: int) -> int:
    """As many tasks as slots, or a multiple of it for many rows; fewer for few rows."""
    fewest, most = _TASK_ROWS
    return max(min(slots * math.ceil(rows / (slots * most)), math.ceil(rows / fewest)), 1)


@cache
def _encoder(folder: Path, threads: int) -> PictureEncoder:
    """Load an encoder once per worker process, for all its tasks."""
    return open_encoder(folder, threads)


def encode_batches(
    batches: Iterable[pa.RecordBatch], encoder: Callable[[], PictureEncoder], encoding: Encoding
) -> Iterator[pa.RecordBatch]:
    """Encode batches in order; a thread reads and decodes the next batch while the network runs on this one.

    Args:
        batches: the columns of `READ`.
        encoder: loads the encoder; called only if there is a picture to encode.
        encoding: the parameters.
    """
    pieces = (
        batch.slice(start, encoding.batch_rows)
        for batch in batches
        for start in range(0, batch.num_rows, encoding.batch_rows)
    )
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
        piece = next(pieces, None)
        waiting = ahead.submit(_prepare, piece, encoding) if piece is not None else None
        while piece is not None and waiting is not None:
            pictures, hashes = waiting.result()
            # Only this thread may read rows from Spark, so only reading and decoding pictures run ahead.
            following = next(pieces, None)
            waiting = ahead.submit(_prepare, following, encoding) if following is not None else None
            vectors: list[bytes | None] = [None] * piece.num_rows
            rows = np.flatnonzero(pictures.present)
            if len(rows):
                for row, vector in zip(rows, encoder().encode(pictures.pixels[rows]), strict=True):
                    vectors[row] = vector.astype("<f2").tobytes()
            yield _feature_batch(piece, pictures, hashes, vectors)
            piece = following


def _prepare(piece: pa.RecordBatch, encoding: Encoding) -> tuple[PictureBatch, list[str | None]]:
    """Read and decode the pictures of a batch; returns them and the SHA-256 of their bytes."""
    parts, hashes = [], []
    for start in range(0, piece.num_rows, _LOADED):
        part, part_hashes = _prepare_part(piece.slice(start, _LOADED), encoding)
        parts.append(part)
        hashes += part_hashes
    pictures = PictureBatch(
        pixels=np.concatenate([part.pixels for part in parts]),
        present=np.concatenate([part.present for part in parts]),
        status=[status for part in parts for status in part.status],
        sizes=np.concatenate([part.sizes for part in parts]),
        formats=[kind for part in parts for kind in part.formats],
    )
    return pictures, hashes


def _prepare_part(part: pa.RecordBatch, encoding: Encoding) -> tuple[PictureBatch, list[str | None]]:
    given, uris = part.column("image").to_pylist(), part.column("image_uri").to_pylist()
    loaded = list(load_images(given, uris, encoding.prefixes, encoding.max_image_bytes))
    images = [image for image, _ in loaded]
    pictures = decode(
        images,
        height=encoding.size,
        width=encoding.size,
        max_pixels=encoding.max_pixels,
        blank_deviation=encoding.blank_deviation,
        keep_aspect=True,
        threads=encoding.threads,
    )
    pictures.status[:] = [unread or decoded for (_, unread), decoded in zip(loaded, pictures.status, strict=True)]
    return pictures, [hashlib.sha256(image).hexdigest() if image else None for image in images]


def _feature_batch(
    piece: pa.RecordBatch, pictures: PictureBatch, hashes: list[str | None], vectors: list[bytes | None]
) -> pa.RecordBatch:
    def pixels(column: NDArray[Any]) -> pa.Array:
        return pa.array(column, pa.int32(), mask=column == 0)

    shown = [
        miniature(pixels) if used else None for pixels, used in zip(pictures.pixels, pictures.present, strict=True)
    ]
    columns = {
        "listing_id": piece.column("listing_id"),
        "content_hash": piece.column("content_hash"),
        "image_status": pa.array(pictures.status, pa.string()),
        "image_width": pixels(pictures.sizes[:, 0]),
        "image_height": pixels(pictures.sizes[:, 1]),
        "image_hash": pa.array(hashes, pa.string()),
        "vector": pa.array(vectors, pa.binary()),
        "image_format": pa.array(pictures.formats, pa.string()),
        "miniature": pa.array(shown, pa.binary()),
    }
    return pa.RecordBatch.from_pydict({c.name: columns[c.name] for c in COLUMNS})
