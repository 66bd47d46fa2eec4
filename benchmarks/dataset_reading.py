"""`python -m benchmarks.dataset_reading SETUP`: serves readings of a training set, by Petastorm or pyarrow."""

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

_ARRAYS = (*NUMBERS.values(), "splits", "ids", "weights", "slots", "vectors")


def start() -> Answer:
    """Use the training set described on the command line."""
    setup = json.loads(sys.argv[1])
    dataset, width = Dataset(**setup["dataset"]), int(setup["vector_width"])
    caches = {reader: Path.cwd() / f"cache-{reader}" for reader in ("petastorm", "pyarrow")}

    def read(reader: str) -> Shard:
        shutil.rmtree(caches[reader], ignore_errors=True)
        if reader == "petastorm":
            return read_shard(dataset, 0, 1, caches[reader], width)
        return read_with_pyarrow(dataset, caches[reader], width)

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Read with the named reader; if `reader` is null, assert first that both read the same rows."""
        if request["reader"] is None:
            assert_same(read("petastorm"), read("pyarrow"))
        started = time.perf_counter()
        rows = len(read(request["reader"] or "pyarrow"))
        seconds = time.perf_counter() - started
        assert rows == dataset.rows
        return {"seconds": seconds}

    return answer


def read_with_pyarrow(dataset: Dataset, cache: Path, width: int) -> Shard:
    """Read the same shard as `training.dataset.read_shard` does for one rank, with pyarrow alone.

    Arrow stores byte strings contiguously, so that a column is written to its file in one call.
    """
    cache.mkdir(parents=True)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in (*NUMBERS.values(), "lengths")}
    with (
        (cache / "ids").open("wb") as ids,
        (cache / "weights").open("wb") as weights,
        (cache / "vectors").open("wb") as vectors,
    ):
        for path in sorted(Path(dataset.folder).glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=READ_COLUMNS).combine_chunks()
                    for name, column in NUMBERS.items():
                        columns[column].append(table[name].to_numpy())
                    columns["lengths"].append(np.diff(_offsets(table["text_ids"])) // 4)
                    for name, target in (("text_ids", ids), ("text_weights", weights), ("vector", vectors)):
                        for chunk in table[name].chunks:
                            offsets = _offsets(pa.chunked_array([chunk]))
                            target.write(memoryview(chunk.buffers()[2])[offsets[0] : offsets[-1]])
    return map_shard(cache, columns, width)


def assert_same(one: Shard, other: Shard) -> None:
    """Assert that both shards have the same rows in the same order."""
    for name in _ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(other, name)), f"the two readers differ in {name}"


def _offsets(column: pa.ChunkedArray) -> NDArray[np.int32]:
    (chunk,) = column.chunks
    return np.frombuffer(chunk.buffers()[1], np.int32, len(chunk) + 1, 4 * chunk.offset)


if __name__ == "__main__":
    serve(start)
