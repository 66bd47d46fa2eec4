"""What each size of the encoder's input buys: pictures per second, and the accuracy of the picture branch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.quality.catalogue import Catalogue, read_catalogue, sample
from benchmarks.quality.our_method import OurMethod
from benchmarks.quality.picture_vectors import timed_vectors
from benchmarks.quality.stages import is_current
from schemas.branches import IMAGE
from schemas.tensors import VectorBatch

Row = tuple[int, float, float]
"""Side of the input in pixels; pictures per second; accuracy of the picture branch."""

_SIZES = (64, 96, 128, 160, 224)
ROWS = 6000


def measure_sizes(folder: Path, work: Path, origin: str, say: Callable[[str], None]) -> list[Row]:
    """Encode a sample's pictures at each size, and train the picture branch on the given labels.

    Args:
        folder: listings.parquet, taxonomy.csv, truth.parquet.
        work: keeps the result.
        origin: a digest of the catalogue and of the code.
        say: prints a progress message.
    """
    marker = work / "sizes.json"
    if not is_current(marker, origin):
        part = sample(read_catalogue(folder), ROWS, np.random.default_rng(23))
        images = _images(folder, part)
        rows = []
        for size in _SIZES:
            values, present, seconds = timed_vectors(images, size)
            pictured = replace(part, pictures=VectorBatch(values, present))
            rows.append((size, float(present.sum()) / seconds, _accuracy(pictured)))
            say("pictures of {} pixels: {:.0f} a second, {:.4f} right".format(*rows[-1]))
        marker.write_text(json.dumps({"origin": origin, "rows": rows}), encoding="utf-8")
    return [tuple(row) for row in json.loads(marker.read_text(encoding="utf-8"))["rows"]]


def _accuracy(catalogue: Catalogue) -> float:
    """The share of the listings with a picture whose category the picture alone predicts, out of sample."""
    predicted = OurMethod(catalogue, catalogue.labels).predict(None)[IMAGE.name]
    present = ~np.isnan(predicted[:, 0])
    return float((predicted.argmax(axis=1) == catalogue.truth)[present].mean())


def _images(folder: Path, part: Catalogue) -> list[bytes | None]:
    """The pictures of the listings of a part."""
    place = {listing: row for row, listing in enumerate(part.listing_ids.tolist())}
    images: list[bytes | None] = [None] * len(part)
    with pq.ParquetFile(folder / "listings.parquet") as file:
        for batch in file.iter_batches(1024, columns=["listing_id", "image"]):
            for listing, image in zip(*(batch.column(name).to_pylist() for name in (0, 1)), strict=True):
                if listing in place:
                    images[place[listing]] = image
    return images
