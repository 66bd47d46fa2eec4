"""Training one fused member: the picture network and the head over picture and text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schemas.arrays import Floats32, Ints
from training.dataset import Shard
from training.network import FusedMember, Tensor
from training.plan import Plan
from training.ranks import Ranks
from training.stopping import BestEpoch
from training.text_branch import Targets, TextBranch, TextTeacher, sparse

_RATE = 2e-3
_DECAY = 1e-4
_WATCHED = 3000
"""Held-out pictures on which an epoch is judged, over all ranks."""
_JUMPING = 6
"""Epochs without a better loss say nothing while the rate is high."""
_CHUNK = 256
"""Pictures judged at once."""


@dataclass(frozen=True)
class FusedBranch:
    """A trained fused member.

    Attributes:
        model: the network.
        forward: its compiled inference.
        curve: out-of-sample loss, picture and head together, after each epoch.
    """

    model: FusedMember
    forward: Tensor
    curve: list[float]


def train_fused(member: int, text: TextBranch, teacher: TextTeacher, targets: Targets) -> FusedBranch:
    """Train fused member `member` on the pictures that are not of its fold, together with the other ranks.

    Args:
        member: below `plan.image_members`.
        text: whose features the head sees.
        teacher: the shard, the plan, and the other ranks.
        targets: what is to be said of each listing.
    """
    shard, plan, ranks = teacher.shard, teacher.plan, teacher.ranks
    # Keras draws the seeds of its initialisers from Python's generator.
    tf.keras.utils.set_random_seed(plan.seed + 1000 * member + ranks.rank)
    random = np.random.default_rng([plan.seed, ranks.rank, member])
    model = FusedMember(
        text.encoder.features,
        teacher.categories,
        height=shard.pixels.shape[1],
        width=shard.pixels.shape[2],
        backbone=plan.image_backbone,
        weights=plan.image_weights,
        policy=_policy(plan, ranks),
    )
    ranks.broadcast(model.variables)
    own = shard.buckets % plan.image_members == member
    learned, watched = np.flatnonzero(shard.present & ~own), np.flatnonzero(shard.present & own)
    watched = watched[: _WATCHED // ranks.size]
    batch = max(plan.image_batch // ranks.size, 1)
    steps = ranks.largest(-(-len(learned) // batch))
    learn = _make_step(model, plan, steps * plan.image_epochs, ranks)
    forward = _make_forward(model)
    # While the rate is high the loss jumps up and down, and most is learnt as it falls.
    best = BestEpoch(model.variables, max(plan.patience, min(plan.image_epochs // 2, _JUMPING)))
    for epoch in range(1, plan.image_epochs + 1):
        order = np.resize(random.permutation(learned), steps * batch)
        for chosen in order.reshape(steps, batch):
            learn(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)), targets(chosen))
        ranks.equalize([v for v in model.variables if not v.trainable])  # batch normalisation's running means
        judged = judge_pictures(forward, shard, text, watched)
        lost = [-(part * targets(watched)).sum(dtype=np.float64) for part in judged]
        by_image, by_head, seen = ranks.total([*lost, float(len(watched))])
        best.seen(float(by_image + by_head) / max(float(seen), 1.0))
        teacher.report(plan.picture_stage(member), epoch, plan.image_epochs, best.curve[-1])
        if best.worn_out:
            break
    best.restore()
    full = model.in_full()
    return FusedBranch(full, forward if full is model else _make_forward(full), best.curve)


def judge_pictures(forward: Tensor, shard: Shard, text: TextBranch, rows: Ints) -> tuple[Floats32, Floats32]:
    """Log-probabilities by picture and by head of rows that have a picture, shape (n, C) each."""
    image, head = [], []
    for chosen in np.array_split(rows, max(-(-len(rows) // _CHUNK), 1)):
        by_image, by_head = forward(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)))
        image.append(tf.nn.log_softmax(by_image).numpy())
        head.append(tf.nn.log_softmax(by_head).numpy())
    return np.concatenate(image), np.concatenate(head)


def _policy(plan: Plan, ranks: Ranks) -> str:
    """The precision in which the picture network learns, the same on every rank."""
    mixed = plan.mixed_precision
    if mixed is None:
        mixed = int(ranks.total([int(bool(tf.config.list_physical_devices("GPU")))])[0]) == ranks.size
    return "mixed_float16" if mixed else "float32"


def _make_forward(model: FusedMember) -> Tensor:
    """Compiled inference: (pixels, indices, values) -> logits by picture and by head."""
    return tf.function(
        lambda pixels, indices, values: model(pixels, indices, values, training=False), reduce_retracing=True
    )


def _make_step(model: FusedMember, plan: Plan, steps: int, ranks: Ranks) -> Tensor:
    """A training step: (pixels, indices, values, targets) -> nothing; picture and head have a loss each."""
    rate = tf.keras.optimizers.schedules.CosineDecay(
        _RATE / 10, steps, alpha=0.01, warmup_target=_RATE, warmup_steps=max(steps // 20, 1)
    )
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=_DECAY)
    mixed = model.policy != "float32"
    if mixed:  # small gradients would vanish in 16 bits
        optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    smoothing = plan.label_smoothing

    def learn(pixels: Tensor, indices: Tensor, values: Tensor, targets: Tensor) -> None:
        target = (1.0 - smoothing) * targets + smoothing / tf.cast(tf.shape(targets)[1], tf.float32)
        with tf.GradientTape() as tape:
            image, head = model(pixels, indices, values, training=True)
            losses = [tf.nn.softmax_cross_entropy_with_logits(target, logits) for logits in (image, head)]
            loss = tf.reduce_mean(losses[0] + losses[1])
            scaled = optimizer.get_scaled_loss(loss) if mixed else loss
        gradients = tape.gradient(scaled, model.trainable_variables)
        gradients = optimizer.get_unscaled_gradients(gradients) if mixed else gradients
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(learn, reduce_retracing=True)
