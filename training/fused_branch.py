"""Train a fused member: the picture network and the head over picture and text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schemas.arrays import Floats32, Ints
from schemas.branches import FUSED_NETWORK, predicted_by
from training.dataset import Shard
from training.early_stopping import EarlyStopping
from training.network import FusedMember, Tensor
from training.plan import Plan
from training.ranks import Ranks
from training.text_branch import Targets, TextBranch, TextTrainer, sparse

_RATE = 2e-3
_DECAY = 1e-4
_VALIDATION_PICTURES = 3000
"""Maximum number of held-out pictures for the loss after an epoch, over all ranks."""
_MAX_PATIENCE = 6
"""Upper limit of the patience, in epochs. While the learning rate is high, the loss may not fall for some epochs."""
_CHUNK = 256
"""Pictures per batch of inference."""


@dataclass(frozen=True)
class FusedBranch:
    """A trained fused member.

    Attributes:
        model: the network.
        forward: the compiled forward pass for inference.
        curve: out-of-sample loss, summed over the branches, after each epoch.
    """

    model: FusedMember
    forward: Tensor
    curve: list[float]


def train_fused(member: int, text: TextBranch, trainer: TextTrainer, targets: Targets) -> FusedBranch:
    """Train one fused member on the pictures outside its fold, together with the other ranks.

    Args:
        member: index of the member, below `plan.image_members`.
        text: the trained text branch, which encodes the texts for the head.
        trainer: holds the shard, the plan and the ranks.
        targets: each listing's target distribution.
    """
    shard, plan, ranks = trainer.shard, trainer.plan, trainer.ranks
    # Keras draws the seeds of its initialisers from Python's global generator.
    tf.keras.utils.set_random_seed(plan.seed + 1000 * member + ranks.rank)
    random = np.random.default_rng([plan.seed, ranks.rank, member])
    model = FusedMember(
        text.encoder.features,
        trainer.categories,
        height=shard.pixels.shape[1],
        width=shard.pixels.shape[2],
        backbone=plan.image_backbone,
        weights=plan.image_weights,
        policy=_policy(plan, ranks),
    )
    ranks.broadcast_variables(model.variables)
    own = shard.buckets % plan.image_members == member
    trained, held_out = np.flatnonzero(shard.present & ~own), np.flatnonzero(shard.present & own)
    held_out = held_out[: _VALIDATION_PICTURES // ranks.size]
    batch = max(plan.image_batch // ranks.size, 1)
    steps = ranks.max(-(-len(trained) // batch))
    step = _make_step(model, plan, steps * plan.image_epochs, ranks)
    forward = _make_forward(model)
    # The loss fluctuates while the learning rate is high and falls most at the end, so patience is longer.
    best = EarlyStopping(model.variables, max(plan.patience, min(plan.image_epochs // 2, _MAX_PATIENCE)))
    for epoch in range(1, plan.image_epochs + 1):
        order = np.resize(random.permutation(trained), steps * batch)
        for chosen in order.reshape(steps, batch):
            step(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)), targets(chosen))
        ranks.average_variables([v for v in model.variables if not v.trainable])  # batch normalisation's running means
        predicted = predict_pictures(forward, shard, text, held_out)
        losses = [-(part * targets(held_out)).sum(dtype=np.float64) for part in predicted.values()]
        *totals, count = ranks.sum([*losses, float(len(held_out))])
        best.record(float(sum(totals)) / max(float(count), 1.0))
        trainer.report(plan.picture_stage(member), epoch, plan.image_epochs, best.curve[-1])
        if best.should_stop:
            break
    best.restore()
    full = model.in_full_precision()
    return FusedBranch(full, forward if full is model else _make_forward(full), best.curve)


def predict_pictures(forward: Tensor, shard: Shard, text: TextBranch, rows: Ints) -> dict[str, Floats32]:
    """Log-probabilities of each branch for rows that have a picture, shape (n, C)."""
    if not len(rows):  # convolutions reject an empty batch
        return {name: np.zeros((0, text.model.categories), np.float32) for name in predicted_by(FUSED_NETWORK)}
    parts = []
    for chosen in np.array_split(rows, max(-(-len(rows) // _CHUNK), 1)):
        logits = forward(shard.pixels[shard.slots[chosen]], *sparse(text.encoded.take(chosen)))
        parts.append({name: tf.nn.log_softmax(each).numpy() for name, each in logits.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _policy(plan: Plan, ranks: Ranks) -> str:
    """The Keras precision policy for training the picture network, the same on every rank."""
    mixed = plan.mixed_precision
    if mixed is None:
        mixed = int(ranks.sum([int(bool(tf.config.list_physical_devices("GPU")))])[0]) == ranks.size
    return "mixed_float16" if mixed else "float32"


def _make_forward(model: FusedMember) -> Tensor:
    """A compiled forward pass: (pixels, indices, values) -> logits of each branch."""
    return tf.function(
        lambda pixels, indices, values: model(pixels, indices, values, training=False), reduce_retracing=True
    )


def _make_step(model: FusedMember, plan: Plan, steps: int, ranks: Ranks) -> Tensor:
    """A compiled training step, (pixels, indices, values, targets) -> None; the loss is the sum over the branches."""
    rate = tf.keras.optimizers.schedules.CosineDecay(
        _RATE / 10, steps, alpha=0.01, warmup_target=_RATE, warmup_steps=max(steps // 20, 1)
    )
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=_DECAY)
    mixed = model.policy != "float32"
    if mixed:  # small gradients would underflow in float16
        optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    smoothing = plan.label_smoothing

    def step(pixels: Tensor, indices: Tensor, values: Tensor, targets: Tensor) -> None:
        target = (1.0 - smoothing) * targets + smoothing / tf.cast(tf.shape(targets)[1], tf.float32)
        with tf.GradientTape() as tape:
            branches = model(pixels, indices, values, training=True)
            losses = [tf.nn.softmax_cross_entropy_with_logits(target, logits) for logits in branches.values()]
            loss = tf.reduce_mean(tf.add_n(losses))
            scaled = optimizer.get_scaled_loss(loss) if mixed else loss
        gradients = tape.gradient(scaled, model.trainable_variables)
        gradients = optimizer.get_unscaled_gradients(gradients) if mixed else gradients
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(step, reduce_retracing=True)
