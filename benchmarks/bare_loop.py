"""`python -m benchmarks.bare_loop LAYOUT SETUP`: serves the fastest scoring loop without Spark that we know.

It uses the product's texts, vectors, networks and ranking. The layouts differ in how they use the cores:

* `ahead`: one thread prepares the next batch while the network predicts on all cores;
* `beside`: one thread per core prepares and predicts its own batches, with one core for each network;
* `tf_data`: tf.data prepares several batches in parallel and ahead; the network predicts on all cores.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.machine import cores
from benchmarks.predictions import COMMON_COLUMNS
from benchmarks.serve import Answer, serve
from schemas.arrays import Ints
from schemas.tensors import Prediction, TextBatch, VectorBatch
from udfs.classify import READ, Scoring, score_batches
from udfs.predictor import Predictor, load_predictor
from udfs.text import read_texts

Batches = Iterator[pa.RecordBatch]
Loop = Callable[[Batches, Predictor, Scoring], Batches]
AHEAD = 2
"""Prefetched batches per core."""


def start() -> Answer:
    """Load the networks for the layout named on the command line."""
    layout, setup = sys.argv[1], json.loads(sys.argv[2])
    threads = 1 if layout == "beside" else cores()
    tf = start_tensorflow(threads)
    predictor = load_predictor(setup["bundle"], threads)
    loops: dict[str, Loop] = {"ahead": score_batches, "beside": _beside, "tf_data": _make_tf_data(tf)}

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Score a folder of Parquet files; write `COMMON_COLUMNS` to the file `collect`, or drop them if it is null."""
        started = time.perf_counter()
        scoring = Scoring("", "1", request["batch_rows"], setup["top"], threads)
        batches = read_batches(Path(request["listings"]), request["batch_rows"], READ)
        predictions = loops[layout](batches, predictor, scoring)
        if request["collect"] is None:
            deque(predictions, maxlen=0)
        else:
            pq.write_table(pa.Table.from_batches(predictions).select(COMMON_COLUMNS), request["collect"])
        return {"seconds": time.perf_counter() - started}

    return answer


def start_tensorflow(threads: int) -> ModuleType:
    """Start TensorFlow with a layout's threads; the product's code does not change them once it runs."""
    import tensorflow as tf  # noqa: PLC0415 - its threads must be set before its first use

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(cores())
    tf.constant(0)
    module: ModuleType = tf
    return module


def read_batches(folder: Path, rows: int, columns: Sequence[str]) -> Batches:
    """Read a folder of Parquet files in batches of at most `rows`."""
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(rows, columns=list(columns))


def _beside(batches: Batches, predictor: Predictor, scoring: Scoring) -> Batches:
    def score(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        return list(score_batches([batch], predictor, scoring))

    return in_threads(batches, score)


def in_threads(batches: Batches, work: Callable[[pa.RecordBatch], Sequence[pa.RecordBatch]]) -> Batches:
    """Work on batches in one thread per core; the results are in order."""
    with ThreadPoolExecutor(cores()) as pool:
        waiting = deque(pool.submit(work, batch) for batch in itertools.islice(batches, AHEAD * cores()))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(pool.submit(work, batch) for batch in itertools.islice(batches, 1))


def _make_tf_data(tf: ModuleType) -> Loop:
    kinds = (tf.int64, tf.float32, tf.int64)

    def run(batches: Batches, predictor: Predictor, scoring: Scoring) -> Batches:
        fetched: dict[int, pa.RecordBatch] = {}

        def numbers() -> Iterator[int]:
            for number, batch in enumerate(batches):
                fetched[number] = batch
                yield number

        def prepare(number: Ints) -> tuple[NDArray[Any], ...]:
            batch = fetched[int(number)]
            texts = predictor.featurize(*(read_texts(batch.column(name)) for name in ("title", "description")))
            return texts.ids, texts.weights, texts.splits

        prepared = (
            tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec([], tf.int64))
            .map(lambda number: tf.numpy_function(prepare, [number], kinds), num_parallel_calls=cores())
            .prefetch(AHEAD * cores())
        )
        for number, texts in enumerate(prepared.as_numpy_iterator()):
            # The batch is prepared already; prediction and Arrow columns come from the product's code.
            yield from score_batches([fetched.pop(number)], _Ready(predictor, TextBatch(*texts)), scoring)

    return run


class _Ready(Predictor):
    """A predictor whose texts are already prepared."""

    def __init__(self, predictor: Predictor, texts: TextBatch) -> None:
        self.spec, self._predictor, self._texts = predictor.spec, predictor, texts
        self.attributes = predictor.attributes

    def featurize(self, *_columns: object) -> TextBatch:
        return self._texts

    def run(self, texts: TextBatch, pictures: VectorBatch, buckets: Ints) -> Prediction:
        return self._predictor.run(texts, pictures, buckets)


if __name__ == "__main__":
    serve(start)
