"""Train the picture members: K small networks over the vectors of a frozen encoder, trained together.

The branch `image` sees the picture alone, the branch `head` picture and text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from schemas.arrays import Floats32, Ints
from training.blocks import blocks
from training.dataset import Shard
from training.early_stopping import EarlyStopping
from training.folds import may_learn
from training.heartbeat import HEARTBEAT
from training.linear import Targets
from training.network import PictureMembers, Tensor
from training.plan import PICTURES, Plan
from training.projection import fit_projection, project
from training.ranks import Ranks
from training.text_branch import TextBranch, TextTrainer

_RATE = 2e-3
_DECAY = 1e-4
_MIN_DEVIATION = 0.05
"""Added to the standard deviation by which a dimension is divided, so that one that hardly varies is not blown up."""
_CHUNK = 4096
"""Vectors summed at once."""


@dataclass(frozen=True)
class PictureBranch:
    """The trained picture members.

    Attributes:
        model: the members.
        forward: the compiled forward pass, see `_make_forward`.
        texts: float32, shape (n, T), the projected texts of the shard, memory-mapped.
        curve: out-of-sample loss, summed over the branches, after each epoch.
    """

    model: PictureMembers
    forward: Tensor
    texts: Floats32
    curve: list[float]

    def predict(self, shard: Shard, rows: Ints) -> dict[str, Floats32]:
        """Out-of-sample log-probabilities of each branch for rows with a picture, shape (n, C)."""
        return _predict(self.forward, self.texts, shard, rows)


def train_pictures(text: TextBranch, trainer: TextTrainer, targets: Targets) -> PictureBranch:
    """Train all K members on the vectors of this rank's shard, together with the other ranks.

    A row counts in the loss of member k only if its fold is not k. The weights of the epoch with the lowest
    out-of-sample loss over all ranks are kept.

    Args:
        text: the trained text branch.
        trainer: holds the shard, the plan and the ranks.
        targets: each listing's target distribution.
    """
    shard, plan, ranks = trainer.shard, trainer.plan, trainer.ranks
    # Keras draws the seeds of its initialisers from Python's global generator.
    tf.keras.utils.set_random_seed(plan.seed + ranks.rank)
    random = np.random.default_rng([plan.seed, ranks.rank])
    rows = np.flatnonzero(shard.present)
    projection = fit_projection(text.encoded, text.encoder.features, ranks, plan.seed)
    texts = project(text.encoded, projection, trainer.folder / "projected-texts")
    model = PictureMembers(*_mean_and_deviation(shard, ranks), projection, plan.text_members, trainer.categories)
    ranks.broadcast_variables(model.trainable_variables)
    batch = max(plan.image_batch // ranks.size, 1)
    steps = ranks.max(-(-len(rows) // batch))
    total = float(ranks.sum([len(rows)])[0])
    step, forward = _make_step(model, plan, steps * plan.image_epochs, ranks), _make_forward(model)
    members = np.arange(plan.text_members)
    best = EarlyStopping(model.trainable_variables, plan.patience)
    for epoch in range(1, plan.image_epochs + 1):
        order = np.resize(random.permutation(rows), steps * batch)
        for chosen in order.reshape(steps, batch):
            HEARTBEAT.beat()
            learn = may_learn(shard.left_out[chosen, None], members, plan.text_members)
            step(shard.vectors[shard.slots[chosen]], texts[chosen], learn, targets(chosen))
        loss = sum(_cross_entropy(forward(*_inputs(texts, shard, part)), targets(part)) for part in blocks(rows))
        best.record(float(ranks.sum([loss])[0]) / max(total, 1.0))
        trainer.report(PICTURES, epoch, plan.image_epochs, best.curve[-1])
        if best.should_stop:
            break
    best.restore()
    return PictureBranch(model, forward, texts, best.curve)


def _predict(forward: Tensor, texts: Floats32, shard: Shard, rows: Ints) -> dict[str, Floats32]:
    """Log-probabilities of each branch for some rows, shape (n, C): each row from the members of its fold."""
    parts = []
    for part in blocks(rows):
        predicted = forward(*_inputs(texts, shard, part))
        parts.append({name: each.numpy() for name, each in predicted.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _inputs(texts: Floats32, shard: Shard, rows: Ints) -> tuple[NDArray[np.float16], Floats32, Ints]:
    """What the forward pass takes for some rows with a picture."""
    return shard.vectors[shard.slots[rows]], texts[rows], shard.buckets[rows]


def _make_forward(model: PictureMembers) -> Tensor:
    """A compiled forward pass: (vectors, texts, buckets) -> log-probabilities of each branch, shape (n, C)."""

    def forward(vectors: Tensor, texts: Tensor, buckets: Tensor) -> dict[str, Tensor]:
        folds = buckets % model.image.members
        logits = model(vectors, texts, training=False)
        return {name: tf.nn.log_softmax(tf.gather(each, folds, axis=1, batch_dims=1)) for name, each in logits.items()}

    return tf.function(forward, reduce_retracing=True)


def _mean_and_deviation(shard: Shard, ranks: Ranks) -> tuple[Floats32, Floats32]:
    """Mean and standard deviation of each dimension of the vectors, over all ranks; shape (D,)."""
    sums, squares = np.zeros(shard.vectors.shape[1]), np.zeros(shard.vectors.shape[1])
    for start in range(0, len(shard.vectors), _CHUNK):
        part = shard.vectors[start : start + _CHUNK].astype(np.float64)
        sums, squares = sums + part.sum(axis=0), squares + (part**2).sum(axis=0)
    *totals, count = ranks.sum(np.concatenate([sums, squares, [float(len(shard.vectors))]]))
    mean, mean_square = np.split(np.asarray(totals) / max(count, 1.0), 2)
    deviation = np.sqrt(np.maximum(mean_square - mean**2, 0.0)) + _MIN_DEVIATION
    return mean.astype(np.float32), deviation.astype(np.float32)


def _cross_entropy(predicted: Mapping[str, Tensor], targets: Floats32) -> float:
    """The cross-entropy, summed over the rows and the branches."""
    return float(sum(-(each.numpy() * targets).sum(dtype=np.float64) for each in predicted.values()))


def _make_step(model: PictureMembers, plan: Plan, steps: int, ranks: Ranks) -> Tensor:
    """A compiled training step; the ranks' gradients are averaged.

    It takes vectors, texts, which of the K members learn from each row (shape (n, K)), and targets.
    """
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, steps, alpha=0.01)
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=_DECAY)
    smoothing = plan.label_smoothing

    def step(vectors: Tensor, texts: Tensor, learn: Tensor, targets: Tensor) -> None:
        target = (1.0 - smoothing) * targets + smoothing / tf.cast(tf.shape(targets)[1], tf.float32)
        tiled = tf.tile(target[:, None], [1, plan.text_members, 1])
        mask = tf.cast(learn, tf.float32)
        with tf.GradientTape() as tape:
            branches = model(vectors, texts, training=True)
            losses = [tf.nn.softmax_cross_entropy_with_logits(tiled, logits) for logits in branches.values()]
            loss = tf.reduce_sum(tf.add_n(losses) * mask) / tf.cast(tf.shape(learn)[0], tf.float32)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(step, reduce_retracing=True)
