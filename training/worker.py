"""The work of a training rank: read its shard, train and save the members, predict its sample out of sample."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from schemas.arrays import Bools, Floats32, Ints
from schemas.branches import PICTURE_NETWORK, TEXT, TEXT_NETWORK
from training.blocks import blocks, write_rows
from training.canaries import are_canaries, wrong_labels
from training.dataset import Shard, check_coverage, checksum, read_shard
from training.export import save_pictures, save_text
from training.first_pass import FirstPass, enough_texts, fit_first_pass, soft_labels
from training.heartbeat import HEARTBEAT
from training.learning_curve import train_on_quarters
from training.picture_branch import train_pictures
from training.plan import SECOND_PASS
from training.ranks import Ranks
from training.sample import ROW_FIELDS, labelled_in_order, make_sample, seller_indices, write_sample
from training.task import RankResult, RankTask
from training.text_branch import SECOND_C, TextBranch, TextTrainer, make_text_trainer, one_hot
from udfs.ancestors import resolve_log
from udfs.text import count_words, novelty

_HASH_RANGE = 1 << 20
_NOVEL_SHARE = 0.002
"""Share of the training listings above the novelty threshold."""


def train_rank(task: RankTask) -> RankResult:
    """Train all members on this rank's shard. All ranks make the same collective calls in the same order.

    Rank 0 writes the members and the progress file. Every rank writes its part of the sample (`training.sample`).

    Raises:
        CoverageError: the ranks together do not read every row exactly once.
    """
    HEARTBEAT.start(task.heartbeat)
    ranks, plan = Ranks.init(), task.plan
    _limit_threads(ranks)
    shard = read_shard(task.dataset, ranks.rank, ranks.size, task.cache(ranks.rank), task.vector_width)
    rows, total = ranks.sum([len(shard), checksum(shard.keys)])
    check_coverage(task.dataset, int(rows), int(total))
    report = _Reporter(task.progress if ranks.rank == 0 else None)
    shard, canaries = plant_canaries(shard, plan.canary_share, task.distances)

    cache = task.cache(ranks.rank)
    trainer = make_text_trainer(shard, plan, task.categories, task.hash_size, ranks, report, cache)
    text, c = trainer.first_pass()
    curves = {TEXT.name: [text.loss]}
    targets = one_hot(shard.hard_targets, task.categories)
    # Canaries are left out: the noise model describes sellers' errors only.
    sampled = np.flatnonzero(in_sample(shard.keys, plan.sample, task.dataset.rows) & ~canaries)
    first, soft = run_first_pass(trainer, text, c, sampled, task)
    if soft is not None:
        targets = soft.__getitem__
        text = trainer.train(targets, SECOND_C, SECOND_PASS, start=text)
        curves["text second pass"] = [text.loss]
    branches = {TEXT.name: trainer.predict(text, sampled)}
    if ranks.rank == 0:
        save_text(text, str(task.members / TEXT_NETWORK))
    if plan.pictures:
        pictures = train_pictures(text, trainer, targets)
        curves["picture"] = pictures.curve
        present = shard.present[sampled]
        for name, predicted in pictures.predict(shard, sampled[present]).items():
            branches[name] = np.full_like(branches[TEXT.name], np.nan)
            branches[name][present] = predicted
        if ranks.rank == 0:
            save_pictures(pictures, text, str(task.members / PICTURE_NETWORK))
    write_sample(task.sample(ranks.rank), _row_fields(shard, sampled), branches)
    return RankResult(curves, find_novelty_threshold(trainer, sampled, task.hash_size), first)


def plant_canaries(shard: Shard, share: float, distances: Ints) -> tuple[Shard, Bools]:
    """Make some labels wrong; return the new shard and which rows changed. Decided rows keep their label."""
    canaries = are_canaries(shard.keys, share) & (shard.labels >= 0) & (shard.truths < 0) & (len(distances) > 1)
    labels = shard.labels.copy()
    labels[canaries] = wrong_labels(shard.keys[canaries], shard.labels[canaries], distances)
    return replace(shard, labels=labels), canaries


def run_first_pass(
    trainer: TextTrainer, text: TextBranch, c: float, sampled: Ints, task: RankTask
) -> tuple[FirstPass | None, Floats32 | None]:
    """Fit the noise model on all ranks' samples, and make soft labels for this rank's rows.

    Args:
        trainer, text, c: trainer and trained text branch of the first pass, and its inverse L2 penalty.
        sampled: the rows of this rank's shard on which the noise model is fitted.
        task: its distances, twins and doubts are used.

    Returns:
        The first pass, and the soft labels, shape (n, C), memory-mapped; or None and None if there are too few texts.
    """
    shard, ranks = trainer.shard, trainer.ranks
    rows = {name: ranks.all_gather(values) for name, values in _row_fields(shard, sampled).items()}
    sample = make_sample(rows, {TEXT.name: ranks.all_gather(trainer.predict(text, sampled))}, task.ancestors)
    if not enough_texts(sample):
        return None, None
    fewer = train_on_quarters(trainer, text, c, sampled, task.ancestors)
    disagree = ranks.all_gather(fewer.disagree)[labelled_in_order(rows)]
    fitted = None
    if ranks.rank == 0:
        fitted = fit_first_pass(sample, task.distances, replace(fewer, disagree=disagree), task.twins).without_rows()
    first: FirstPass = ranks.broadcast_value(fitted)
    indices = seller_indices(shard.sellers, np.array(sample.seller_ids, np.int64))

    def soft(rows: Ints) -> Floats32:
        predicted = resolve_log(trainer.predict(text, rows), shard.labels[rows], task.ancestors)
        found = soft_labels(first, predicted, shard.labels[rows], shard.truths[rows], indices[rows])
        task.doubts.weigh(found, shard.keys[rows])
        return found

    parts = (soft(rows) for rows in blocks(np.arange(len(shard))))
    return first, write_rows(trainer.folder / "soft-labels", parts, trainer.categories)


def find_novelty_threshold(trainer: TextTrainer, sampled: Ints, hash_size: int) -> float:
    """The novelty that a share `_NOVEL_SHARE` of the sampled listings of all ranks exceeds.

    A training listing contributes its own words to the vocabulary. Here, only words that would be in the vocabulary
    without this listing count as known; otherwise new listings would look novel in comparison.
    """
    batch, encoded, encoder = trainer.shard.texts(sampled), trainer.encoded.take(sampled), trainer.encoder
    rows = np.repeat(np.arange(len(sampled)), np.diff(encoded.splits))
    shared = (encoded.ids < encoder.words) & trainer.shared[encoded.ids]
    known = np.bincount(rows[shared], minlength=len(sampled))
    values = trainer.ranks.all_gather(novelty(count_words(batch, hash_size), known))
    values = values[~np.isnan(values)]
    return float(np.quantile(values, 1.0 - _NOVEL_SHARE)) if len(values) else 1.0


def _row_fields(shard: Shard, rows: Ints) -> dict[str, Ints]:
    return {name: getattr(shard, name)[rows] for name in ROW_FIELDS}


def in_sample(keys: Ints, size: int, rows: int) -> Bools:
    """Which rows belong to a sample of about `size` out of `rows`; it depends only on the keys."""
    return np.asarray(np.mod(keys, _HASH_RANGE) < _HASH_RANGE * min(size / max(rows, 1), 1.0))


def _limit_threads(ranks: Ranks) -> None:
    """Divide a machine's cores among its ranks."""
    tf.config.threading.set_intra_op_parallelism_threads(ranks.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class _Reporter:
    """Appends a line to the progress file after each step; does nothing without a file."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._start = path, time.monotonic()

    def __call__(self, what: str, step: int, steps: int, loss: float) -> None:
        if self._path is None:
            return
        seconds = round(time.monotonic() - self._start, 1)
        line = {"what": what, "step": step, "steps": steps, "loss": round(loss, 4), "seconds": seconds}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
