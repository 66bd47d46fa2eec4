"""`python -m benchmarks.reading_contestant SETUP`: reads a training set in one of two ways, and serves."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.serve import Answer, serve
from training.dataset import NUMBERS, READ_COLUMNS, Dataset, Shard, map_shard, read_shard

_ARRAYS = (*NUMBERS.values(), "splits", "ids", "weights", "slots", "pixels")


def begin() -> Answer:
    """Take the training set that the command line describes."""
    setup = json.loads(sys.argv[1])
    dataset, height, width = Dataset(**setup["dataset"]), int(setup["height"]), int(setup["width"])
    caches = {way: Path.cwd() / f"cache-{way}" for way in ("petastorm", "pyarrow")}

    def read(way: str) -> Shard:
        shutil.rmtree(caches[way], ignore_errors=True)
        if way == "petastorm":
            return read_shard(dataset, 0, 1, caches[way], height, width)
        return read_with_pyarrow(dataset, caches[way], height, width)

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Read in the way that is named; or in both (`way` is null), and assert that they read the same."""
        if request["way"] is None:
            assert_same(read("petastorm"), read("pyarrow"))
        begun = time.perf_counter()
        rows = len(read(request["way"] or "pyarrow"))
        seconds = time.perf_counter() - begun
        assert rows == dataset.rows
        return {"seconds": seconds}

    return answer


def read_with_pyarrow(dataset: Dataset, cache: Path, height: int, width: int) -> Shard:
    """What `training.dataset.read_shard` gives for one rank, as fast as pyarrow alone can.

    Byte strings lie one after the other in Arrow's memory, so that a column goes to its file in one write.
    """
    cache.mkdir(parents=True)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in (*NUMBERS.values(), "lengths")}
    with (
        (cache / "ids").open("wb") as ids,
        (cache / "weights").open("wb") as weights,
        (cache / "pixels").open("wb") as pixels,
    ):
        for path in sorted(Path(dataset.folder).glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=READ_COLUMNS).combine_chunks()
                    for name, column in NUMBERS.items():
                        columns[column].append(table[name].to_numpy())
                    columns["lengths"].append(np.diff(_offsets(table["text_ids"])) // 4)
                    for name, target in (("text_ids", ids), ("text_weights", weights), ("pixels", pixels)):
                        for chunk in table[name].chunks:
                            offsets = _offsets(pa.chunked_array([chunk]))
                            target.write(memoryview(chunk.buffers()[2])[offsets[0] : offsets[-1]])
    return map_shard(cache, columns, height, width)


def assert_same(one: Shard, other: Shard) -> None:
    """Both hold the same rows, in the same order."""
    for name in _ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(other, name)), f"the two ways differ in {name}"


def _offsets(column: pa.ChunkedArray) -> NDArray[np.int32]:
    (chunk,) = column.chunks
    return np.frombuffer(chunk.buffers()[1], np.int32, len(chunk) + 1, 4 * chunk.offset)


if __name__ == "__main__":
    serve(begin)
