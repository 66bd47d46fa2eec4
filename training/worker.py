"""A training rank: reads its shard, trains every member, saves them, and judges the sample out of sample."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from schemas.arrays import Bools, Floats32, Ints
from training.backbones import make_backbone
from training.canaries import are_canaries, wrong_labels
from training.dataset import Shard, checksum, prove_coverage, read_shard
from training.export import save_fused, save_text
from training.first_pass import Learned, enough_texts, learn_noise, soft_labels
from training.fused_branch import judge_pictures, train_fused
from training.plan import SECOND_PASS
from training.ranks import Ranks
from training.sample import make_sample, seller_places
from training.task import RankResult, Task
from training.text_branch import TextBranch, TextTeacher, hard_targets, teach_texts
from udfs.text import count_words, novelty

_HASHES = 1 << 20
_RARE = 500
"""One listing in so many that are learnt from is as strange as one that fits no category."""


def train_rank(task: Task) -> RankResult:
    """Train all members on this rank's share; the same call runs on every rank.

    Rank 0 writes the members and its progress; every rank writes the out-of-sample judgements of its part of the
    sample, as `training.sample.make_sample` takes them.

    Raises:
        CoverageError: the ranks together did not read exactly the rows that were written.
        UsageError: the picture network's weights are not to be had.
    """
    ranks, plan = Ranks.join(), task.plan
    _limit_threads(ranks)
    if plan.image_members and plan.image_weights:
        # A file that does not suit is refused now, not once the texts have been learnt.
        make_backbone(plan.image_backbone, plan.image_weights, task.height, task.width)
    shard = read_shard(task.dataset, ranks.rank, ranks.size, task.cache(ranks.rank), task.height, task.width)
    rows, total = ranks.total([len(shard), checksum(shard.keys)])
    prove_coverage(task.dataset, int(rows), int(total))
    report = _Reporter(task.progress if ranks.rank == 0 else None)
    shard, canaries = plant_canaries(shard, plan.canary_share, task.levels)

    teacher = teach_texts(shard, plan, task.categories, task.hash_size, ranks, report)
    text, strength = teacher.first_pass()
    curves = {"text": text.curve}
    targets = hard_targets(shard.taught, task.categories)
    # The noise is learnt from what sellers have done alone.
    sampled = np.flatnonzero(in_sample(shard.keys, plan.sample, task.dataset.rows) & ~canaries)
    first, beliefs = learn_first(teacher, text, sampled, task.levels)
    if beliefs is not None:
        targets = beliefs.__getitem__
        text = teacher.train(targets, strength, SECOND_PASS)
        curves["text second pass"] = text.curve
    by_text = teacher.judge(text)[sampled]
    by_image, by_head = np.full_like(by_text, np.nan), np.full_like(by_text, np.nan)
    if ranks.rank == 0:
        save_text(text, str(task.members / "text"))
    for member in range(plan.image_members):
        fused = train_fused(member, text, teacher, targets)
        curves[f"picture {member}"] = fused.curve
        own = np.flatnonzero(shard.present[sampled] & (shard.buckets[sampled] % plan.image_members == member))
        by_image[own], by_head[own] = judge_pictures(fused.forward, shard, text, sampled[own])
        if ranks.rank == 0:
            save_fused(fused, text, str(task.members / f"fused-{member}"))
    np.savez(task.sample(ranks.rank), **_asked(shard, sampled), text=by_text, image=by_image, head=by_head)
    return RankResult(curves, find_novel_above(teacher, sampled, task.hash_size), first)


def plant_canaries(shard: Shard, share: float, levels: Ints) -> tuple[Shard, Bools]:
    """The shard with some labels made wrong, and which; what people have decided stays."""
    canaries = are_canaries(shard.keys, share) & (shard.labels >= 0) & (shard.truths < 0) & (len(levels) > 1)
    labels = shard.labels.copy()
    labels[canaries] = wrong_labels(shard.keys[canaries], shard.labels[canaries], levels)
    return replace(shard, labels=labels), canaries


def learn_first(
    teacher: TextTeacher, text: TextBranch, sampled: Ints, levels: Ints
) -> tuple[Learned | None, Floats32 | None]:
    """What the first pass teaches of the noise, over all ranks, and what it lets believe of this rank's listings.

    Args:
        teacher, text: of the first pass.
        sampled: the rows of this rank's shard on which the noise is learnt.
        levels: as `training.transitions.category_levels`.

    Returns:
        What is learnt, and the belief in every category, shape (n, C); None and None where there are too few texts.
    """
    shard, ranks = teacher.shard, teacher.ranks
    judged = teacher.judge(text)
    keys, labels, truths, sellers = (ranks.gather(values) for values in _asked(shard, sampled).values())
    by_text = ranks.gather(judged[sampled])
    nothing = np.full_like(by_text, np.nan)
    sample = make_sample(keys, labels, truths, sellers, by_text, nothing, nothing)
    if not enough_texts(sample):
        return None, None
    learned: Learned = ranks.share(learn_noise(sample, levels).narrow() if ranks.rank == 0 else None)
    places = seller_places(shard.sellers, np.array(sample.seller_ids, np.int64))
    return learned, soft_labels(learned, judged, shard.labels, shard.truths, places)


def find_novel_above(teacher: TextTeacher, sampled: Ints, hash_size: int) -> float:
    """The novelty that one in `_RARE` of the listings learnt from exceeds, over all ranks.

    The vocabulary holds a listing's words already when others share them, so that only those count that would be in it
    without this listing, too: else whatever comes later would look new.
    """
    batch, encoded, encoder = teacher.shard.texts(sampled), teacher.encoded.take(sampled), teacher.encoder
    rows = np.repeat(np.arange(len(sampled)), np.diff(encoded.splits))
    shared = (encoded.ids < encoder.words) & teacher.shared[encoded.ids]
    known = np.bincount(rows[shared], minlength=len(sampled))
    found = teacher.ranks.gather(novelty(count_words(batch, hash_size), known))
    found = found[~np.isnan(found)]
    return float(np.quantile(found, 1.0 - 1.0 / _RARE)) if len(found) else 1.0


def _asked(shard: Shard, rows: Ints) -> dict[str, Ints]:
    """Who labels the rows how."""
    return {name: getattr(shard, name)[rows] for name in ("keys", "labels", "truths", "sellers")}


def in_sample(keys: Ints, size: int, rows: int) -> Bools:
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
