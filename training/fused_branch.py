"""Training one fused member: the picture network and the head over picture and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Shard
from training.network import fused_member
from training.plan import Plan
from training.ranks import Ranks
from training.text_branch import Report, TextBranch, sparse

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
_RATE = 2e-3
_DECAY = 1e-4
_WATCHED = 3000
"""Held-out pictures on which an epoch is judged, over all ranks."""
_CHUNK = 256


@dataclass(frozen=True)
class FusedBranch:
    """A trained fused member.

    Attributes:
        model: the network.
        forward: its compiled inference.
        curve: out-of-sample loss, picture and head together, after each epoch.
    """

    model: Any
    forward: Any
    curve: list[float]


def train_fused(
    member: int, shard: Shard, text: TextBranch, plan: Plan, categories: int, ranks: Ranks, report: Report
) -> FusedBranch:
    """Train fused member `member` on the pictures that are not of its fold, together with the other ranks."""
    import tensorflow as tf

    height, width = shard.pixels.shape[1:3]
    model = fused_member(text.features, categories, height, width)
    ranks.broadcast(model.variables)
    own = shard.buckets % plan.image_members == member
    learned, watched = np.flatnonzero(shard.present & ~own), np.flatnonzero(shard.present & own)
    watched = watched[: _WATCHED // ranks.size]
    batch = max(plan.image_batch // ranks.size, 1)
    steps = ranks.largest(-(-len(learned) // batch))
    total = steps * plan.image_epochs
    rate = tf.keras.optimizers.schedules.CosineDecay(
        _RATE / 10, total, alpha=0.01, warmup_target=_RATE, warmup_steps=max(total // 20, 1)
    )
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=_DECAY)
    smooth = plan.label_smoothing

    @tf.function(reduce_retracing=True)
    def step(pixels: Any, indices: Any, values: Any, label: Any) -> None:
        target = tf.one_hot(label, categories, 1.0 - smooth + smooth / categories, smooth / categories)
        with tf.GradientTape() as tape:
            image, head = model(pixels, indices, values, True)
            losses = [tf.nn.softmax_cross_entropy_with_logits(target, logits) for logits in (image, head)]
            loss = tf.reduce_mean(losses[0] + losses[1])
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    forward = tf.function(lambda pixels, indices, values: model(pixels, indices, values, False), reduce_retracing=True)
    tf.random.set_seed(plan.seed + 1000 * member + ranks.rank)
    random = np.random.default_rng([plan.seed, ranks.rank, member])
    best, kept, curve = np.inf, [v.numpy() for v in model.variables], []
    for epoch in range(1, plan.image_epochs + 1):
        order = np.resize(random.permutation(learned), steps * batch)
        for at in range(0, len(order), batch):
            chosen = order[at : at + batch]
            step(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)), shard.labels[chosen])
        ranks.equalize([v for v in model.variables if not v.trainable])  # the running means of batch normalisation
        judged = judge_pictures(forward, shard, text, watched)
        lost = [-part[np.arange(len(watched)), shard.labels[watched]].sum(dtype=np.float64) for part in judged]
        sums = ranks.total([*lost, float(len(watched))])
        loss = float(sums[0] + sums[1]) / max(float(sums[2]), 1.0)
        curve.append(loss)
        report(f"picture member {member + 1} of {plan.image_members}", epoch, plan.image_epochs, loss)
        if loss < best:
            best, kept = loss, [v.numpy() for v in model.variables]
        elif epoch - 1 - int(np.argmin(curve)) >= plan.patience:
            break
    for variable, value in zip(model.variables, kept, strict=True):
        variable.assign(value)
    return FusedBranch(model, forward, curve)


def judge_pictures(forward: Any, shard: Shard, text: TextBranch, rows: Ints) -> tuple[Floats, Floats]:
    """Log-probabilities by picture and by head of rows that have a picture, shape (n, C) each."""
    import tensorflow as tf

    image, head = [], []
    for chosen in np.array_split(rows, max(-(-len(rows) // _CHUNK), 1)):
        by_image, by_head = forward(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)))
        image.append(tf.nn.log_softmax(by_image).numpy())
        head.append(tf.nn.log_softmax(by_head).numpy())
    return np.concatenate(image), np.concatenate(head)
