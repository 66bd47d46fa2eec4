"""Train the text members: K linear softmax classifiers over TF-IDF, trained together in one pass over the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schemas.arrays import Bools, Floats32, Ints
from schemas.tensors import TextBatch
from training.dataset import Shard
from training.early_stopping import EarlyStopping
from training.network import Tensor, TextEncoder, TextMembers
from training.plan import FIRST_PASS, Plan
from training.ranks import Ranks

Report = Callable[[str, int, int, float], None]
"""Called after every epoch with (stage, epoch, epochs, out-of-sample loss)."""
Targets = Callable[[Ints], Floats32]
"""Rows of the shard -> their target distributions, shape (rows, C): one-hot (hard) or soft."""

_RATE = 0.05
_C, _SMALLER_C, _LARGER_C = 2.0, (1.0, 0.5), 4.0
"""Inverse L2 penalty, C of scikit-learn's LogisticRegression (the penalty is 1 / (2 C rows)): the first value, and the
smaller and larger values to try."""
_CHUNK = 4096
"""Rows per batch of inference."""
_COUNT_CHUNK = 1 << 22
"""Features counted at once."""


@dataclass(frozen=True)
class TextBranch:
    """The trained text members and their encoded texts.

    Attributes:
        encoder: hashed features -> TF-IDF.
        model: the members.
        encoded: the shard's TF-IDF features; ids are indices into the vocabulary.
        curve: out-of-sample loss after each epoch.
        accuracy: out-of-sample accuracy on the hard targets, over all ranks.
    """

    encoder: TextEncoder
    model: TextMembers
    encoded: TextBatch
    curve: list[float]
    accuracy: float


@dataclass(frozen=True)
class TextTrainer:
    """Trains the text members; both passes use the same encoded texts.

    Attributes:
        encoder: hashed features -> TF-IDF.
        shared: shape (V,), features that would be in the vocabulary even without any single one of their listings.
        encoded: the shard's encoded texts.
        shard: this rank's rows.
        plan: how to train.
        categories: C.
        ranks: the ranks that train together.
        report: called after every epoch.
    """

    encoder: TextEncoder
    shared: Bools
    encoded: TextBatch
    shard: Shard
    plan: Plan
    categories: int
    ranks: Ranks
    report: Report

    def first_pass(self) -> tuple[TextBranch, float]:
        """Train on hard targets; return the members and the C (inverse L2 penalty) that was chosen.

        C is chosen by out-of-sample accuracy on the given labels: noisy labels need a smaller C, few listings per
        category a larger C. The loss is not used, because it rewards probabilities that are as uncertain as the labels
        are noisy. In a tie the smaller C wins, because it fits wrong labels less.
        """

        def train(c: float) -> TextBranch:
            return self.train(one_hot(self.shard.hard_targets, self.categories), c, FIRST_PASS)

        first = best = train(_C)
        best_c = _C
        for smaller in _SMALLER_C:
            branch = train(smaller)
            if branch.accuracy < best.accuracy:
                break
            best, best_c = branch, smaller
        if best is first:
            larger = train(_LARGER_C)
            if larger.accuracy > first.accuracy:
                best, best_c = larger, _LARGER_C
        return best, best_c

    def train(self, targets: Targets, c: float, stage: str) -> TextBranch:
        """Train all K members on this rank's shard, together with the other ranks.

        A row counts in the loss of member k only if its fold is not k, so every member predicts its own fold out of
        sample. The weights of the epoch with the lowest out-of-sample loss over all ranks are kept.

        Args:
            targets: each listing's target distribution.
            c: inverse L2 penalty.
            stage: name of the stage, for progress reports.
        """
        shard, plan, ranks = self.shard, self.plan, self.ranks
        folds = shard.buckets % plan.text_members
        model = TextMembers(self.encoder.features, plan.text_members, self.categories)
        ranks.broadcast_variables(model.trainable_variables)
        rows = int(ranks.sum([len(shard)])[0])
        batch, steps = batches(len(shard), plan, ranks)
        step = make_step(model, rows, steps * plan.text_epochs, c, ranks)
        random = np.random.default_rng([plan.seed, ranks.rank])
        best = EarlyStopping(model.trainable_variables, plan.patience)
        accuracies = []
        for epoch in range(1, plan.text_epochs + 1):
            order = np.resize(random.permutation(len(shard)), steps * batch)
            for chosen in order.reshape(steps, batch):
                step(*sparse(self.encoded.take(chosen)), targets(chosen), folds[chosen])
            predicted = predict_texts(model, self.encoded, folds)
            agreeing = float((predicted.argmax(axis=1) == shard.hard_targets).sum())
            loss, accuracy = ranks.sum([_cross_entropy(predicted, targets), agreeing]) / rows
            best.record(float(loss))
            accuracies.append(float(accuracy))
            self.report(stage, epoch, plan.text_epochs, best.curve[-1])
            if best.should_stop:
                break
        best.restore()
        return TextBranch(self.encoder, model, self.encoded, best.curve, accuracies[int(np.argmin(best.curve))])

    def predict(self, branch: TextBranch) -> Floats32:
        """Out-of-sample log-probabilities of the shard's texts, shape (n, C); NaN without known features."""
        predicted = predict_texts(branch.model, self.encoded, self.shard.buckets % self.plan.text_members)
        predicted[np.diff(self.encoded.splits) == 0] = np.nan
        return predicted


def make_text_trainer(
    shard: Shard, plan: Plan, categories: int, hash_size: int, ranks: Ranks, report: Report
) -> TextTrainer:
    """Build the vocabulary over all ranks and encode this rank's texts; seeds TensorFlow's random numbers."""
    # With many categories the members are factorised and initialised at random.
    tf.keras.utils.set_random_seed(plan.seed + ranks.rank)
    encoder, shared = _make_encoder(shard, plan, hash_size, ranks)
    return TextTrainer(encoder, shared, _encode(encoder, shard), shard, plan, categories, ranks, report)


def batches(rows: int, plan: Plan, ranks: Ranks) -> tuple[int, int]:
    """This rank's rows per step, and the steps of an epoch, the same on every rank. Every rank must call it."""
    batch = max(plan.text_batch // ranks.size, 1)
    return batch, ranks.max(-(-rows // batch))


def one_hot(hard_targets: Ints, categories: int) -> Targets:
    """Hard targets as one-hot distributions."""
    identity = np.eye(categories, dtype=np.float32)
    return lambda rows: identity[hard_targets[rows]]


def _cross_entropy(predicted: Floats32, targets: Targets) -> float:
    """The cross-entropy, summed over all rows."""
    parts = np.array_split(np.arange(len(predicted)), max(len(predicted) // _CHUNK, 1))
    return float(sum(-(predicted[rows] * targets(rows)).sum(dtype=np.float64) for rows in parts))


def predict_texts(model: TextMembers, encoded: TextBatch, folds: Ints) -> Floats32:
    """Out-of-sample log-probabilities of the shard's texts, shape (n, C): each row from the member of its fold."""
    parts = []
    for rows in np.array_split(np.arange(len(folds)), max(len(folds) // _CHUNK, 1)):
        logits = model(*sparse(encoded.take(rows)), len(rows))
        parts.append(tf.nn.log_softmax(tf.gather(logits, folds[rows], axis=1, batch_dims=1)).numpy())
    return np.concatenate(parts)


def sparse(batch: TextBatch) -> tuple[Ints, Floats32]:
    """Encoded texts in the format of the networks: (row, feature) index pairs and values."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.stack([rows, batch.ids], axis=1), batch.weights


def make_step(model: TextMembers, rows: int, steps: int, c: float, ranks: Ranks) -> Tensor:
    """A compiled training step, (indices, values, targets, folds) -> None; the ranks' gradients are averaged."""
    # The legacy Adam updates a variable in one fused, multithreaded kernel, which is much faster for large variables.
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, steps, alpha=0.01)
    optimizer = tf.keras.optimizers.legacy.Adam(rate)
    members = tf.range(model.members, dtype=tf.int64)

    def step(indices: Tensor, values: Tensor, targets: Tensor, folds: Tensor) -> None:
        n = tf.size(folds)
        with tf.GradientTape() as tape:
            logits = model(indices, values, n)
            tiled = tf.tile(targets[:, None], [1, model.members, 1])
            losses = tf.nn.softmax_cross_entropy_with_logits(tiled, logits)
            mask = tf.cast(folds[:, None] != members, tf.float32)
            loss = tf.reduce_sum(losses * mask) / tf.cast(n, tf.float32)
            loss += tf.nn.l2_loss(model.kernel) / (c * rows)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(step, reduce_retracing=True)


def _make_encoder(shard: Shard, plan: Plan, hash_size: int, ranks: Ranks) -> tuple[TextEncoder, Bools]:
    """Build vocabulary and IDF over all ranks: the most frequent features that occur in enough listings.

    Returns:
        The encoder, and `TextTrainer.shared`.
    """
    # The dimensions of a pretrained encoder have ids after those of the hashed features.
    size = ranks.max(max(hash_size, int(shard.ids.max(initial=-1)) + 1))
    counts = np.zeros(size, np.int64)
    for start in range(0, len(shard.ids), _COUNT_CHUNK):
        counts += np.bincount(shard.ids[start : start + _COUNT_CHUNK], minlength=size)
    counts = ranks.sum(counts)
    rows = int(ranks.sum([len(shard)])[0])
    frequent = np.flatnonzero(counts >= plan.min_listings)
    vocabulary = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")[: plan.max_features]])
    if not len(vocabulary):
        vocabulary = np.zeros(1, np.int64)  # no text at all: one feature that never occurs
    idf = np.log((1.0 + rows) / (1.0 + counts[vocabulary])) + 1.0
    words, hashed = (int((vocabulary < end).sum()) for end in (hash_size // 2, hash_size))
    encoder = TextEncoder(vocabulary.astype(np.int64), idf.astype(np.float32), words, hashed)
    return encoder, counts[vocabulary] > plan.min_listings


def _encode(encoder: TextEncoder, shard: Shard) -> TextBatch:
    """The shard's texts as TF-IDF over the vocabulary."""
    ids, values, lengths = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    for rows in np.array_split(np.arange(len(shard)), max(len(shard) // _CHUNK, 1)):
        batch = shard.texts(rows)
        indices, tf_idf = encoder(batch.ids, batch.weights, batch.splits)
        ids.append(indices[:, 1].numpy())
        values.append(tf_idf.numpy())
        lengths.append(np.bincount(indices[:, 0].numpy(), minlength=len(rows)))
    splits = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return TextBatch(np.concatenate(ids), np.concatenate(values), splits.astype(np.int64))
