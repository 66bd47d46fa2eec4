"""Training the text members: TF-IDF and a linear softmax, K of them side by side in one pass over the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schemas.arrays import Bools, Floats32, Ints
from schemas.tensors import TextBatch
from training.dataset import Shard
from training.network import Tensor, TextEncoder, TextMembers
from training.plan import FIRST_PASS, Plan
from training.ranks import Ranks
from training.stopping import BestEpoch

Report = Callable[[str, int, int, float], None]
"""(what, epoch, epochs, out-of-sample loss)."""
Targets = Callable[[Ints], Floats32]
"""Rows of the shard -> what is to be said of them, shape (rows, C), each row a distribution."""

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
        agreement: share of the labels that the members name out of sample, over all ranks.
    """

    encoder: TextEncoder
    model: TextMembers
    encoded: TextBatch
    curve: list[float]
    agreement: float


@dataclass(frozen=True)
class TextTeacher:
    """What all passes over the texts share.

    Attributes:
        encoder: hashed features -> TF-IDF.
        shared: shape (V,), which of its features would be in it without any one listing.
        encoded: the shard's texts, as it encodes them.
        shard, plan, categories, ranks, report: what is learnt from, how, into how many, with whom, and who is told.
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
        """Learn the given labels; the members, and how strongly their weights were held small.

        That is found out of sample: the more labels are wrong the more strongly, the fewer listings a category has the
        less. What counts is how many labels are named, not the loss, which rewards probabilities that are as unsure as
        the labels are wrong. At a tie the stronger is taken: it believes less of them.
        """
        taught = self.shard.taught

        def train(strength: float) -> TextBranch:
            targets = hard_targets(taught, self.categories)
            return self.train(targets, strength, FIRST_PASS)

        first = best = train(_STRENGTH)
        chosen = _STRENGTH
        for stronger in _STRONGER:
            found = train(stronger)
            if found.agreement < best.agreement:
                break
            best, chosen = found, stronger
        if best is first:
            weaker = train(_WEAKER)
            if weaker.agreement > first.agreement:
                best, chosen = weaker, _WEAKER
        return best, chosen

    def train(self, targets: Targets, strength: float, what: str) -> TextBranch:
        """Train all K members on this rank's shard, together with the other ranks.

        The loss of row i counts for member k only where fold(i) is not k, so every member's prediction of its own fold
        is out of sample. The members keep the weights of the epoch whose out-of-sample loss, over all ranks, was the
        lowest.

        Args:
            targets: what is to be said of each listing.
            strength: C; the weaker the larger.
            what: the stage of the plan, as progress reports name it.
        """
        shard, plan, ranks = self.shard, self.plan, self.ranks
        folds, taught = shard.buckets % plan.text_members, shard.taught
        model = TextMembers(self.encoder.features, plan.text_members, self.categories)
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
                learn(*sparse(self.encoded.take(chosen)), targets(chosen), folds[chosen])
            judged = judge_texts(model, self.encoded, folds)
            named = float((judged.argmax(axis=1) == taught).sum())
            loss, agreement = ranks.total([_lost(judged, targets), named]) / rows
            best.seen(float(loss))
            agreements.append(float(agreement))
            self.report(what, epoch, plan.text_epochs, best.curve[-1])
            if best.worn_out:
                break
        best.restore()
        return TextBranch(self.encoder, model, self.encoded, best.curve, agreements[int(np.argmin(best.curve))])

    def judge(self, branch: TextBranch) -> Floats32:
        """Out-of-sample log-probabilities of the shard's texts, shape (n, C); rows of NaN where no word is known."""
        judged = judge_texts(branch.model, self.encoded, self.shard.buckets % self.plan.text_members)
        judged[np.diff(self.encoded.splits) == 0] = np.nan
        return judged


def teach_texts(shard: Shard, plan: Plan, categories: int, hash_size: int, ranks: Ranks, report: Report) -> TextTeacher:
    """Agree with the other ranks on the vocabulary and encode this rank's texts; seeds all random draws that follow."""
    # With many categories the members are of low rank and begin at random.
    tf.keras.utils.set_random_seed(plan.seed + ranks.rank)
    encoder, shared = _make_encoder(shard, plan, hash_size, ranks)
    return TextTeacher(encoder, shared, _encode(encoder, shard), shard, plan, categories, ranks, report)


def hard_targets(taught: Ints, categories: int) -> Targets:
    """Each listing is of one category."""
    each = np.eye(categories, dtype=np.float32)
    return lambda rows: each[taught[rows]]


def _lost(judged: Floats32, targets: Targets) -> float:
    """The cross-entropy of all rows, summed."""
    parts = np.array_split(np.arange(len(judged)), max(len(judged) // _CHUNK, 1))
    return float(sum(-(judged[rows] * targets(rows)).sum(dtype=np.float64) for rows in parts))


def judge_texts(model: TextMembers, encoded: TextBatch, folds: Ints) -> Floats32:
    """Out-of-sample log-probabilities of the shard's texts, shape (n, C): each row by the member of its fold."""
    parts = []
    for rows in np.array_split(np.arange(len(folds)), max(len(folds) // _CHUNK, 1)):
        logits = model(*sparse(encoded.take(rows)), len(rows))
        parts.append(tf.nn.log_softmax(tf.gather(logits, folds[rows], axis=1, batch_dims=1)).numpy())
    return np.concatenate(parts)


def sparse(batch: TextBatch) -> tuple[Ints, Floats32]:
    """Encoded texts as the networks take them: (row, feature) pairs and values."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.stack([rows, batch.ids], axis=1), batch.weights


def _make_step(model: TextMembers, rows: int, steps: int, strength: float, ranks: Ranks) -> Tensor:
    """A training step: (indices, values, targets, folds) -> nothing; the ranks' gradients are averaged."""
    # The older Adam updates a variable in one fused, threaded kernel; with this many weights that counts.
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, steps, alpha=0.01)
    optimizer = tf.keras.optimizers.legacy.Adam(rate)
    members = tf.range(model.members, dtype=tf.int64)

    def learn(indices: Tensor, values: Tensor, targets: Tensor, folds: Tensor) -> None:
        n = tf.size(folds)
        with tf.GradientTape() as tape:
            logits = model(indices, values, n)
            each = tf.tile(targets[:, None], [1, model.members, 1])
            losses = tf.nn.softmax_cross_entropy_with_logits(each, logits)
            learns = tf.cast(folds[:, None] != members, tf.float32)
            loss = tf.reduce_sum(losses * learns) / tf.cast(n, tf.float32)
            loss += tf.nn.l2_loss(model.kernel) / (strength * rows)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(ranks.mean(gradients), model.trainable_variables, strict=True))

    return tf.function(learn, reduce_retracing=True)


def _make_encoder(shard: Shard, plan: Plan, hash_size: int, ranks: Ranks) -> tuple[TextEncoder, Bools]:
    """Vocabulary and IDF over all ranks: the features that occur in enough listings, the commonest first.

    And which of them would be in it without any one listing, too.
    """
    # An encoder's vectors have their places behind the hashed features.
    size = ranks.largest(max(hash_size, int(shard.ids.max(initial=-1)) + 1))
    counts = np.zeros(size, np.int64)
    for start in range(0, len(shard.ids), _COUNTED):
        counts += np.bincount(shard.ids[start : start + _COUNTED], minlength=size)
    counts = ranks.total(counts)
    rows = int(ranks.total([len(shard)])[0])
    common = np.flatnonzero(counts >= plan.min_listings)
    kept = np.sort(common[np.argsort(-counts[common], kind="stable")[: plan.max_features]])
    if not len(kept):
        kept = np.zeros(1, np.int64)  # no text anywhere: one feature that says nothing
    idf = np.log((1.0 + rows) / (1.0 + counts[kept])) + 1.0
    words, hashed = (int((kept < end).sum()) for end in (hash_size // 2, hash_size))
    encoder = TextEncoder(kept.astype(np.int64), idf.astype(np.float32), words, hashed)
    return encoder, counts[kept] > plan.min_listings


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
