"""Training the text members: TF-IDF and a linear softmax, K of them side by side in one pass over the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.tensors import TextBatch
from training.dataset import Shard
from training.network import text_encoder, text_members
from training.plan import Plan
from training.ranks import Ranks

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Report = Callable[[str, int, int, float], None]
"""(what, epoch, epochs, out-of-sample loss)."""

_RATE = 0.05
_STRENGTH = 2.0
"""C of scikit-learn's LogisticRegression: the weights' L2 penalty is 1 / (2 C rows)."""
_CHUNK = 4096


@dataclass(frozen=True)
class TextBranch:
    """The trained text members with what feeds them.

    Attributes:
        encoder: hashed features -> TF-IDF.
        model: the members.
        encoded: the shard's TF-IDF features, with vocabulary places for ids.
        curve: out-of-sample loss after each epoch.
    """

    encoder: Any
    model: Any
    encoded: TextBatch
    curve: list[float]

    @property
    def features(self) -> int:
        """Size of the vocabulary."""
        return int(self.encoder.vocabulary.shape[0])


def train_text(shard: Shard, plan: Plan, categories: int, hash_size: int, ranks: Ranks, report: Report) -> TextBranch:
    """Train all K members on this rank's shard together with the other ranks.

    The loss of row i counts for member k only where fold(i) is not k, so every member's prediction of its
    own fold is out of sample. The members keep the weights of the epoch whose out-of-sample loss of the
    given labels, over all ranks, was the lowest.
    """
    encoder = _make_encoder(shard, plan, hash_size, ranks)
    encoded = _encode(encoder, shard)
    folds = shard.buckets % plan.text_members
    model, curve = _fit(encoded, shard.labels, folds, plan, categories, int(encoder.vocabulary.shape[0]), ranks, report)
    return TextBranch(encoder, model, encoded, curve)


def _make_encoder(shard: Shard, plan: Plan, hash_size: int, ranks: Ranks) -> Any:
    """Vocabulary and IDF over all ranks: the features that occur in enough listings, the commonest first."""
    counts = np.zeros(hash_size, np.int64)
    for start in range(0, len(shard.ids), 1 << 22):
        counts += np.bincount(shard.ids[start : start + (1 << 22)], minlength=hash_size)
    counts = ranks.total(counts)
    rows = int(ranks.total([len(shard)])[0])
    common = np.flatnonzero(counts >= min(plan.min_listings, max(rows // 10, 1)))
    kept = np.sort(common[np.argsort(-counts[common], kind="stable")[: plan.max_features]])
    if not len(kept):
        kept = np.zeros(1, np.int64)  # no text anywhere: one feature that never occurs
    idf = np.log((1.0 + rows) / (1.0 + counts[kept])) + 1.0
    return text_encoder(kept.astype(np.int64), idf.astype(np.float32), int((kept < hash_size // 2).sum()))


def _encode(encoder: Any, shard: Shard) -> TextBatch:
    parts: list[tuple[Ints, Floats, Ints]] = []
    for rows in np.array_split(np.arange(len(shard)), max(len(shard) // _CHUNK, 1)):
        batch = shard.texts(rows)
        indices, values = encoder(batch.ids, batch.weights, batch.splits)
        lengths = np.bincount(indices[:, 0].numpy(), minlength=len(rows))
        parts.append((indices[:, 1].numpy(), values.numpy(), lengths))
    ids, values, lengths = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return TextBatch(ids, values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def _fit(
    encoded: TextBatch,
    labels: Ints,
    folds: Ints,
    plan: Plan,
    categories: int,
    features: int,
    ranks: Ranks,
    report: Report,
) -> tuple[Any, list[float]]:
    import tensorflow as tf

    members = plan.text_members
    model = text_members(features, members, categories)
    ranks.broadcast(model.trainable_variables)
    batch = max(plan.text_batch // ranks.size, 1)
    rows = int(ranks.total([len(labels)])[0])
    steps = ranks.largest(-(-len(labels) // batch))
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, steps * plan.text_epochs, alpha=0.01)
    optimizer = tf.keras.optimizers.legacy.Adam(rate)
    penalty = 1.0 / (_STRENGTH * rows)

    @tf.function(reduce_retracing=True)
    def step(indices: Any, values: Any, label: Any, fold: Any) -> None:
        n = tf.size(label)
        with tf.GradientTape() as tape:
            target = tf.one_hot(label, categories)[:, None, :] * tf.ones([1, members, 1])
            loss = tf.nn.softmax_cross_entropy_with_logits(target, model(indices, values, n))
            learns = tf.cast(fold[:, None] != tf.range(members, dtype=tf.int64), tf.float32)
            total = tf.reduce_sum(loss * learns) / tf.cast(n, tf.float32) + penalty * tf.nn.l2_loss(model.kernel)
        gradients = tape.gradient(total, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    random = np.random.default_rng([plan.seed, ranks.rank])
    best, kept, curve = np.inf, [v.numpy() for v in model.trainable_variables], []
    for epoch in range(1, plan.text_epochs + 1):
        order = np.resize(random.permutation(len(labels)), steps * batch)
        for at in range(0, len(order), batch):
            chosen = order[at : at + batch]
            step(*sparse(encoded.take(chosen)), labels[chosen], folds[chosen])
        judged = judge_texts(model, encoded, folds)
        own = -judged[np.arange(len(labels)), labels].sum(dtype=np.float64)
        loss = float(ranks.total([own])[0]) / rows
        curve.append(loss)
        report("text", epoch, plan.text_epochs, loss)
        if loss < best:
            best, kept = loss, [v.numpy() for v in model.trainable_variables]
        elif epoch - 1 - int(np.argmin(curve)) >= plan.patience:
            break
    for variable, value in zip(model.trainable_variables, kept, strict=True):
        variable.assign(value)
    return model, curve


def judge_texts(model: Any, encoded: TextBatch, folds: Ints) -> Floats:
    """Out-of-sample log-probabilities of the shard's texts, shape (n, C): each row by the member of its fold."""
    import tensorflow as tf

    parts = []
    for rows in np.array_split(np.arange(len(folds)), max(len(folds) // _CHUNK, 1)):
        logits = model(*sparse(encoded.take(rows)), len(rows))
        parts.append(tf.nn.log_softmax(tf.gather(logits, folds[rows], axis=1, batch_dims=1)).numpy())
    return np.concatenate(parts)


def sparse(batch: TextBatch) -> tuple[Ints, Floats]:
    """Encoded texts as the networks take them: (row, feature) pairs and values."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.stack([rows, batch.ids], axis=1), batch.weights
