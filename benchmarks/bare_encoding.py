"""`python -m benchmarks.bare_encoding LAYOUT SETUP`: serves the fastest loop without Spark that we know, to vectors.

It uses the product's preparation of pictures and its network. The layouts are those of `benchmarks.bare_loop`; each
batch goes through the network as it is.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.bare_loop import AHEAD, Batches, in_threads, read_batches, start_tensorflow
from benchmarks.machine import cores
from benchmarks.serve import Answer, serve
from benchmarks.vectors import VECTOR_COLUMNS
from schemas.arrays import Ints
from schemas.tensors import CHANNELS, PictureBatch
from udfs.encoders.compute import find_compute
from udfs.encoders.efficientnet_lite import build_efficientnet_lite0
from udfs.encoders.folder import read_encoder_spec
from udfs.encoders.picture_encoder import read_weights
from udfs.encoders.spec import WEIGHTS_FILE
from udfs.pictures import decode

Prepare = Callable[[pa.RecordBatch], PictureBatch]
Encode = Callable[[pa.RecordBatch, PictureBatch], pa.RecordBatch]
Loop = Callable[[Batches, Prepare, Encode], Batches]
_READ = ("listing_id", "image")


def start() -> Answer:
    """Load the network for the layout named on the command line."""
    layout, setup = sys.argv[1], json.loads(sys.argv[2])
    threads = 1 if layout == "beside" else cores()
    tf = start_tensorflow(threads)
    encode = _make_encode(tf, Path(setup["encoder"]))
    prepare = _make_prepare(Path(setup["encoder"]), setup["picture"], 1 if layout == "tf_data" else threads)
    loops: dict[str, Loop] = {"ahead": _ahead, "beside": _beside, "tf_data": partial(_tf_data, tf)}

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Encode a folder of Parquet files; write `VECTOR_COLUMNS` to the file `collect`; null drops them."""
        started = time.perf_counter()
        batches = read_batches(Path(request["listings"]), request["batch_rows"], _READ)
        vectors = loops[layout](batches, prepare, encode)
        if request["collect"] is None:
            deque(vectors, maxlen=0)
        else:
            pq.write_table(pa.Table.from_batches(vectors), request["collect"])
        return {"seconds": time.perf_counter() - started}

    return answer


def _make_prepare(encoder: Path, picture: Mapping[str, Any], threads: int) -> Prepare:
    size = read_encoder_spec(encoder).size

    def prepare(batch: pa.RecordBatch) -> PictureBatch:
        images = batch.column("image").to_pylist()
        return decode(images, height=size, width=size, keep_aspect=True, threads=threads, **picture)

    return prepare


def _make_encode(tf: ModuleType, encoder: Path) -> Encode:
    size = read_encoder_spec(encoder).size
    model = build_efficientnet_lite0(tf, read_weights(encoder / WEIGHTS_FILE), size, find_compute(tf).policy)
    network = tf.function(
        lambda pixels: tf.cast(model(pixels, training=False), tf.float16),
        input_signature=[tf.TensorSpec((None, size, size, CHANNELS), tf.uint8)],
    )

    def encode(batch: pa.RecordBatch, pictures: PictureBatch) -> pa.RecordBatch:
        vectors: list[bytes | None] = [None] * batch.num_rows
        rows = np.flatnonzero(pictures.present)
        if len(rows):
            for row, vector in zip(rows, network(pictures.pixels[rows]).numpy(), strict=True):
                vectors[row] = vector.tobytes()
        columns = [batch.column("listing_id"), pa.array(pictures.status), pa.array(vectors, pa.binary())]
        return pa.record_batch(columns, names=list(VECTOR_COLUMNS))

    return encode


def _ahead(batches: Batches, prepare: Prepare, encode: Encode) -> Batches:
    """One thread prepares the next batch on all cores while the network encodes this one on all cores."""
    with ThreadPoolExecutor(1) as ahead:
        waiting = deque((batch, ahead.submit(prepare, batch)) for batch in itertools.islice(batches, AHEAD))
        while waiting:
            batch, pictures = waiting.popleft()
            waiting.extend((each, ahead.submit(prepare, each)) for each in itertools.islice(batches, 1))
            yield encode(batch, pictures.result())


def _beside(batches: Batches, prepare: Prepare, encode: Encode) -> Batches:
    return in_threads(batches, lambda batch: [encode(batch, prepare(batch))])


def _tf_data(tf: ModuleType, batches: Batches, prepare: Prepare, encode: Encode) -> Batches:
    fetched: dict[int, pa.RecordBatch] = {}
    decoded: dict[int, PictureBatch] = {}

    def numbers() -> Iterator[int]:
        for number, batch in enumerate(batches):
            fetched[number] = batch
            yield number

    def prepare_one(number: Ints) -> NDArray[Any]:
        # Handed over as it is: a copy into a tensor and back would only cost time.
        decoded[int(number)] = prepare(fetched[int(number)])
        return number

    prepared = (
        tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec([], tf.int64))
        .map(lambda number: tf.numpy_function(prepare_one, [number], tf.int64), num_parallel_calls=cores())
        .prefetch(AHEAD * cores())
    )
    for number in prepared.as_numpy_iterator():
        yield encode(fetched.pop(int(number)), decoded.pop(int(number)))


if __name__ == "__main__":
    serve(start)
