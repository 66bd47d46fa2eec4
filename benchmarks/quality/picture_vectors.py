"""The vectors of a catalogue's pictures, encoded once and kept; and what each size of the encoder's input buys."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.machine import cores
from conf.settings import PictureSettings
from jobs.features.encoders import choose_size
from udfs.encoders.folder import encoder_spec
from udfs.encoders.picture_encoder import load_encoder
from udfs.encoders.spec import EFFICIENTNET_LITE0
from udfs.picture_sizes import picture_size
from udfs.predictor import encode_images

_BATCH = 1024
_FIRST = 500
"""Pictures from which the size is chosen, as the product does."""


def keep_vectors(folder: Path, work: Path, say: Callable[[str], None]) -> Path:
    """Encode a catalogue's pictures with the default encoder at the size that the product chooses, unless kept.

    Args:
        folder: has listings.parquet, with the pictures in the column `image`.
        work: folder that keeps the vectors.
        say: prints a progress message.

    Returns:
        An .npz file with listing_ids; values, float16, shape (n, D); and present, shape (n,). If a listing was
        delivered more than once, its last row counts.
    """
    source = folder / "listings.parquet"
    size = choose_size(_longer_sides(source))
    content = hashlib.sha256(source.read_bytes()).hexdigest()
    file = work / f"vectors-{encoder_spec(EFFICIENTNET_LITE0, size).identity}-{content[:12]}.npz"
    if not file.is_file():
        say(f"encoding the pictures at {size} pixels")
        listings = pd.read_parquet(source, columns=["listing_id", "updated_at"])
        kept = listings.sort_values("updated_at", kind="stable").drop_duplicates("listing_id", keep="last").index
        values, present = encode_all(_pictures(source), size)
        ids = listings["listing_id"].to_numpy(str)
        np.savez(file, listing_ids=ids[kept], values=values[kept], present=present[kept])
    return file


def encode_all(batches: Iterator[list[bytes | None]], size: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Encode pictures with the default encoder at a size; returns vectors, shape (n, D), and which are present."""
    encoder, rules = load_encoder(EFFICIENTNET_LITE0, size, cores()), PictureSettings()
    values, present = [np.zeros((0, encoder.spec.width), np.float16)], [np.zeros(0, np.bool_)]
    for images in batches:
        found, _ = encode_images(
            encoder, images, cores(), max_pixels=rules.max_pixels, blank_deviation=rules.blank_deviation
        )
        values.append(found.values)
        present.append(found.present)
    return np.concatenate(values), np.concatenate(present)


def timed_vectors(images: list[bytes | None], size: int) -> tuple[NDArray[np.float16], NDArray[np.bool_], float]:
    """Encode pictures; returns what `encode_all` returns, and the seconds that it took without loading the network."""
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    encode_all(iter([images[:1]]), size)
    started = time.perf_counter()
    values, present = encode_all(iter(parts), size)
    return values, present, time.perf_counter() - started


def _pictures(source: Path) -> Iterator[list[bytes | None]]:
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_BATCH, columns=["image"]):
            yield batch.column("image").to_pylist()


def _longer_sides(source: Path) -> list[int]:
    sides: list[int] = []
    for images in _pictures(source):
        sides += [max(size) for image in images if (size := picture_size(image)) is not None]
        if len(sides) >= _FIRST:
            break
    return sides[:_FIRST]
