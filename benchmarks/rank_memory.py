"""`python -m benchmarks.rank_memory`: memory of a training process, for training sets of several sizes.

The texts are made up: about 150 features a listing, of which a few are frequent and most are rare, as in real texts.
There are two members, and their fits stop after a few steps: memory does not depend on the number of steps, and on the
number of members only through their weights. So a million listings can be measured in minutes. One rank trains on all
listings, with the code of `train`.
"""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks.memory import ProcessMonitor
from benchmarks.results import Result, write_result
from benchmarks.work_folder import ROOT
from conf.load import load_settings
from training.dataset import Dataset, checksum
from training.folds import fold_bits
from training.plan import make_plan
from training.task import RankTask
from training.transitions import category_distances

_CATEGORIES, _FEATURES, _BLOCK, _SELLERS = 100, 150, 4096, 20_000
_EVALUATIONS, _MEMBERS = 3, 2
_MIB = 2**20


def main(
    listings: Annotated[list[int], typer.Option("--listings", min=1_000, help="Number of listings; repeat it.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the JSON.")] = ROOT / "benchmarks" / "results",
) -> None:
    """Train on made-up texts and print peak memory."""
    found = {}
    for size in listings:
        # A new process each time: freed memory is not always given back.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found[str(size)] = pool.apply(measure, (size,))
        typer.echo(f"{size:,}: {json.dumps(found[str(size)])}")
    result = Result("rank_memory", 1, (), {"categories": _CATEGORIES, "listings": found})
    typer.echo(write_result(result, out, dt.datetime.now(dt.UTC)))


def measure(listings: int) -> dict[str, float]:
    """Peak memory of a rank that trains on this many listings in this process, in MiB, and seconds."""
    settings = load_settings("local", [f"train.text_members={_MEMBERS}"])
    with tempfile.TemporaryDirectory() as folder:
        distances = category_distances([str(i // 10) for i in range(_CATEGORIES)], [None] * _CATEGORIES)
        task = RankTask(
            dataset=_write(Path(folder, "dataset"), listings, settings.text.hash_size),
            plan=make_plan(settings, listings, 0),
            distances=distances,
            ancestors=np.zeros((_CATEGORIES, _CATEGORIES), np.bool_),
            hash_size=settings.text.hash_size,
            vector_width=0,
            folder=folder,
        )
        from training import linear, worker  # noqa: PLC0415 - after the training set is written, which needs memory too

        linear._MAX_EVALUATIONS = _EVALUATIONS  # noqa: SLF001 - a setting would be of no other use
        started, monitor = time.perf_counter(), ProcessMonitor(os.getpid(), spark=False)
        worker.train_rank(task)
        monitor.close()
        files = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    peak = {f"{name}_mib": round(size / _MIB) for name, size in asdict(monitor.peak).items() if name != "total"}
    return peak | {"working_files_mib": round(files / _MIB), "seconds": round(time.perf_counter() - started)}


def _write(folder: Path, listings: int, hash_size: int) -> Dataset:
    """A training set of made-up texts, written block by block."""
    folder.mkdir()
    random, total = np.random.default_rng(1), 0
    for start in range(0, listings, _BLOCK):
        rows = min(_BLOCK, listings - start)
        keys = random.integers(-(2**62), 2**62, rows)
        total += checksum(keys)
        pq.write_table(_block(random, keys, hash_size), folder / f"{start:09}.parquet", compression="zstd")
    return Dataset(str(folder), listings, total)


def _block(random: np.random.Generator, keys: np.ndarray[Any, Any], hash_size: int) -> pa.Table:
    rows = len(keys)
    labels = random.integers(0, _CATEGORIES, rows)
    # The logarithm of a feature's number is uniform, which is about Zipf's law; a third depends on the category.
    features = np.exp(random.random((rows, _FEATURES)) * np.log(hash_size)).astype(np.int64)
    features[:, ::3] = features[:, ::3] * 31 + 7919 * labels[:, None]
    ids = np.sort(features % hash_size, axis=1).astype("<i4")
    nobody, buckets = np.full(rows, -1, np.int32), random.integers(0, 2520, rows)
    return pa.table(
        {
            "key": keys,
            "label": labels.astype(np.int32),
            "truth": nobody,
            "audited": nobody,
            "seller_key": random.integers(1, _SELLERS, rows),
            "bucket": buckets.astype(np.int32),
            "left_out": fold_bits(buckets),
            "text_ids": pa.array([row.tobytes() for row in ids], pa.binary()),
            "text_weights": pa.array([np.ones(_FEATURES, "<f4").tobytes()] * rows, pa.binary()),
            "present": np.zeros(rows, np.bool_),
            "vector": pa.array([b""] * rows, pa.binary()),
        }
    )


if __name__ == "__main__":
    typer.run(main)
