"""A training rank: reads its shard, trains every member, saves them, and judges the sample out of sample."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.dataset import checksum, prove_coverage, read_shard
from training.export import save_fused, save_text
from training.fused_branch import judge_pictures, train_fused
from training.ranks import Ranks
from training.task import Task
from training.text_branch import judge_texts, train_text

_HASHES = 1 << 20


def train_rank(task: Task) -> dict[str, dict[str, list[float]]]:
    """Train all members on this rank's share; the same call runs on every rank.

    Rank 0 writes the members and its progress; every rank writes the out-of-sample log-probabilities of its
    part of the sample: key, label, text, image and head, rows of NaN where a branch has nothing to say.

    Returns:
        `curves`: branch -> out-of-sample loss after each epoch.

    Raises:
        CoverageError: the ranks together did not read exactly the rows that were written.
    """
    ranks, plan = Ranks.join(), task.plan
    _limit_threads(ranks)
    tf.keras.utils.set_random_seed(plan.seed + ranks.rank)
    shard = read_shard(task.dataset, ranks.rank, ranks.size, task.cache(ranks.rank), task.height, task.width)
    rows, total = ranks.total([len(shard), checksum(shard.keys)])
    prove_coverage(task.dataset, int(rows), int(total))
    report = _Reporter(task.progress if ranks.rank == 0 else None)

    text = train_text(shard, plan, task.categories, task.hash_size, ranks, report)
    curves = {"text": text.curve}
    sampled = np.flatnonzero(in_sample(shard.keys, plan.sample, task.dataset.rows))
    by_text = judge_texts(text.model, text.encoded, shard.buckets % plan.text_members)[sampled]
    by_text[np.diff(text.encoded.splits)[sampled] == 0] = np.nan
    by_image, by_head = np.full_like(by_text, np.nan), np.full_like(by_text, np.nan)
    if ranks.rank == 0:
        save_text(text, str(task.members / "text"))
    for member in range(plan.image_members):
        fused = train_fused(member, shard, text, plan, task.categories, ranks, report)
        curves[f"picture {member}"] = fused.curve
        own = np.flatnonzero(shard.present[sampled] & (shard.buckets[sampled] % plan.image_members == member))
        by_image[own], by_head[own] = judge_pictures(fused.forward, shard, text, sampled[own])
        if ranks.rank == 0:
            save_fused(fused, text, str(task.members / f"fused-{member}"))
    np.savez(
        task.sample(ranks.rank),
        key=shard.keys[sampled],
        label=shard.labels[sampled],
        text=by_text,
        image=by_image,
        head=by_head,
    )
    return {"curves": curves}


def in_sample(keys: NDArray[np.int64], size: int, rows: int) -> NDArray[np.bool_]:
    """Which rows a sample of about `size` out of `rows` holds, by their key alone."""
    return np.asarray(np.mod(keys, _HASHES) < _HASHES * min(size / max(rows, 1), 1.0))


def _limit_threads(ranks: Ranks) -> None:
    """The ranks of a machine share its cores."""
    threads = max(len(os.sched_getaffinity(0)) // ranks.local_size, 1)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class _Reporter:
    """Appends a line an epoch to the progress file; silent on the other ranks."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._start = path, time.monotonic()

    def __call__(self, what: str, epoch: int, epochs: int, loss: float) -> None:
        if self._path is None:
            return
        seconds = round(time.monotonic() - self._start, 1)
        line = {"what": what, "epoch": epoch, "epochs": epochs, "loss": round(loss, 4), "seconds": seconds}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
