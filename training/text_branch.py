"""Training the text members: TF-IDF and a linear softmax, K of them side by side in one pass over the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from schemas.tensors import TextBatch
from training.dataset import Shard
from training.network import Tensor, TextEncoder, TextMembers
from training.plan import Plan
from training.ranks import Ranks
from training.stopping import BestEpoch

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Report = Callable[[str, int, int, float], None]
"""(what, epoch, epochs, out-of-sample loss)."""

_RATE = 0.05
_STRENGTH, _STRONGER, _WEAKER = 2.0, (1.0, 0.5), 4.0
"""C of scikit-learn's LogisticRegression, to begin with and to try: the weights' L2 penalty is 1 / (2 C rows)."""
_CHUNK = 4096
"""Rows judged at once."""
_COUNTED = 1 << 22
"""Features counted at once."""


@dataclass(frozen=True)
class TextBranch:
    """The trained text members with what feeds them.

    Attributes:
        encoder: hashed features -> TF-IDF.
        model: the members.
        encoded: the shard's TF-IDF features, with vocabulary places for ids.
        curve: out-of-sample loss after each epoch.
        agreement: share of the given labels that the members name out of sample, over all ranks.
    """

    encoder: TextEncoder
    model: TextMembers
    encoded: TextBatch
    curve: list[float]
    agreement: float


def train_text(shard: Shard, plan: Plan, categories: int, hash_size: int, ranks: Ranks, report: Report) -> TextBranch:
    """Train all K members on this rank's shard, together with the other ranks.

    The loss of row i counts for member k only where fold(i) is not k, so every member's prediction of its
    own fold is out of sample. The members keep the weights of the epoch whose out-of-sample loss of the
    given labels, over all ranks, was the lowest.

    How strongly the weights are held small is found out of sample, too: the more labels are wrong the more strongly,
    the fewer listings a category has the less. What counts is how many labels are named, not the loss, which rewards
    probabilities that are as unsure as the labels are wrong. At a tie the stronger is taken: it believes less of them.
    """
    encoder = _make_encoder(shard, plan, hash_size, ranks)
    encoded = _encode(encoder, shard)

    def train(strength: float) -> TextBranch:
        return _train(encoder, encoded, shard, plan, categories, strength, ranks, report)

    first = best = train(_STRENGTH)
    for stronger in _STRONGER:
        found = train(stronger)
        if found.agreement < best.agreement:
            break
        best = found
    if best is first:
        weaker = train(_WEAKER)
        if weaker.agreement > first.agreement:
            best = weaker
    return best


def _train(
    encoder: TextEncoder,
    encoded: TextBatch,
    shard: Shard,
    plan: Plan,
    categories: int,
    strength: float,
    ranks: Ranks,
    report: Report,
) -> TextBranch:
    folds = shard.buckets % plan.text_members
    model = TextMembers(encoder.features, plan.text_members, categories)
    ranks.broadcast(model.trainable_variables)
    rows = int(ranks.total([len(shard)])[0])
    batch = max(plan.text_batch // ranks.size, 1)
    steps = ranks.largest(-(-len(shard) // batch))
    learn = _make_step(model, rows, steps * plan.text_epochs, strength, ranks)
    random = np.random.default_rng([plan.seed, ranks.rank])
    best = BestEpoch(model.trainable_variables, plan.patience)
    agreements = []
    for epoch in range(1, plan.text_epochs + 1):
        order = np.resize(random.permutation(len(shard)), steps * batch)
        for chosen in order.reshape(steps, batch):
            learn(*sparse(encoded.take(chosen)), shard.labels[chosen], folds[chosen])
        judged = judge_texts(model, encoded, folds)
        lost = -judged[np.arange(len(shard)), shard.labels].sum(dtype=np.float64)
        named = float((judged.argmax(axis=1) == shard.labels).sum())
        loss, agreement = ranks.total([lost, named]) / rows
        best.seen(float(loss))
        agreements.append(float(agreement))
        report(f"text, C = {strength:g}", epoch, plan.text_epochs, best.curve[-1])
        if best.worn_out:
            break
    best.restore()
    return TextBranch(encoder, model, encoded, best.curve, agreements[int(np.argmin(best.curve))])


def judge_texts(model: TextMembers, encoded: TextBatch, folds: Ints) -> Floats:
    """Out-of-sample log-probabilities of the shard's texts, shape (n, C): each row by the member of its fold."""
    parts = []
    for rows in np.array_split(np.arange(len(folds)), max(len(folds) // _CHUNK, 1)):
        logits = model(*sparse(encoded.take(rows)), len(rows))
        parts.append(tf.nn.log_softmax(tf.gather(logits, folds[rows], axis=1, batch_dims=1)).numpy())
    return np.concatenate(parts)


def sparse(batch: TextBatch) -> tuple[Ints, Floats]:
    """Encoded texts as the networks take them: (row, feature) pairs and values."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.stack([rows, batch.ids], axis=1), batch.weights


def _make_step(model: TextMembers, rows: int, steps: int, strength: float, ranks: Ranks) -> Tensor:
    """A training step: (indices, values, labels, folds) -> nothing; the ranks' gradients are averaged."""
    # The older Adam updates a variable in one fused, threaded kernel; with this many weights that counts.
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, steps, alpha=0.01)
    optimizer = tf.keras.optimizers.legacy.Adam(rate)
    members = tf.range(model.members, dtype=tf.int64)

    def learn(indices: Tensor, values: Tensor, labels: Tensor, folds: Tensor) -> None:
        n = tf.size(labels)
        with tf.GradientTape() as tape:
            logits = model(indices, values, n)
            targets = tf.tile(labels[:, None], [1, model.members])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            learns = tf.cast(folds[:, None] != members, tf.float32)
            loss = tf.reduce_sum(losses * learns) / tf.cast(n, tf.float32)
            loss += tf.nn.l2_loss(model.kernel) / (strength * rows)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(learn, reduce_retracing=True)


def _make_encoder(shard: Shard, plan: Plan, hash_size: int, ranks: Ranks) -> TextEncoder:
    """Vocabulary and IDF over all ranks: the features that occur in enough listings, the commonest first."""
    counts = np.zeros(hash_size, np.int64)
    for start in range(0, len(shard.ids), _COUNTED):
        counts += np.bincount(shard.ids[start : start + _COUNTED], minlength=hash_size)
    counts = ranks.total(counts)
    rows = int(ranks.total([len(shard)])[0])
    common = np.flatnonzero(counts >= plan.min_listings)
    kept = np.sort(common[np.argsort(-counts[common], kind="stable")[: plan.max_features]])
    if not len(kept):
        kept = np.zeros(1, np.int64)  # no text anywhere: one feature that says nothing
    idf = np.log((1.0 + rows) / (1.0 + counts[kept])) + 1.0
    return TextEncoder(kept.astype(np.int64), idf.astype(np.float32), int((kept < hash_size // 2).sum()))


def _encode(encoder: TextEncoder, shard: Shard) -> TextBatch:
    """The shard's texts as TF-IDF over the vocabulary."""
    ids, values, lengths = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    for rows in np.array_split(np.arange(len(shard)), max(len(shard) // _CHUNK, 1)):
        batch = shard.texts(rows)
        indices, weighed = encoder(batch.ids, batch.weights, batch.splits)
        ids.append(indices[:, 1].numpy())
        values.append(weighed.numpy())
        lengths.append(np.bincount(indices[:, 0].numpy(), minlength=len(rows)))
    splits = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return TextBatch(np.concatenate(ids), np.concatenate(values), splits.astype(np.int64))
