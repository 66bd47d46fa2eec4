"""Train the text members: K linear softmax classifiers over TF-IDF, each fitted without its own fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from schemas.arrays import Bools, Floats32, Ints
from schemas.tensors import TextBatch
from training.blocks import blocks, create, map_file
from training.dataset import Shard
from training.folds import may_learn
from training.linear import LinearMember, LinearTrainer, Targets
from training.network import TextEncoder, bottleneck_width
from training.plan import FIRST_PASS, Plan
from training.ranks import Ranks

Report = Callable[[str, int, int, float], None]
"""Called after every epoch, or text member, with (stage, its number, how many there are, out-of-sample loss)."""

_C, _SMALLER_C, _LARGER_C = 2.0, (1.0, 0.5), 4.0
"""Inverse L2 penalty, C of scikit-learn's LogisticRegression: the first value, and the smaller and larger values to
try."""
SECOND_C = 4.0
"""C of the second pass: its targets are cleaner than sellers' labels, so it may fit them more closely."""
_CHOOSING = 5_000
"""C is chosen by the first members whose folds together have this many listings."""
_COUNT_CHUNK = 1 << 22
"""Features counted at once."""


@dataclass(frozen=True)
class FittedMember:
    """A fitted text member and how it does on its own fold.

    Attributes:
        weights: the classifier.
        loss: the cross-entropy of the rows of its fold, on which it was not fitted, summed over all ranks.
        right: on how many of them its most probable category is the hard target, over all ranks.
        rows: how many they are, over all ranks.
    """

    weights: LinearMember
    loss: float
    right: float
    rows: float


@dataclass(frozen=True)
class TextBranch:
    """The trained text members and their encoded texts.

    Attributes:
        encoder: hashed features -> TF-IDF.
        encoded: the shard's TF-IDF features; ids are indices into the vocabulary.
        texts: the same as a sparse matrix, shape (n, V).
        folds: shape (n,), the fold of each of the shard's listings.
        members: the classifiers of all folds.
        loss: out-of-sample cross-entropy over all ranks.
    """

    encoder: TextEncoder
    encoded: TextBatch
    texts: csr_matrix
    folds: Ints
    members: tuple[LinearMember, ...]
    loss: float

    @property
    def bottleneck(self) -> int:
        """The rank of the members' kernels; 0 if they are not factorised."""
        mixer = self.members[0].mixer
        return 0 if mixer is None else len(mixer)

    def predict(self, rows: Ints) -> Floats32:
        """Out-of-sample log-probabilities of some of the shard's texts, shape (len(rows), C)."""
        predicted = np.empty((len(rows), len(self.members[0].bias)), np.float32)
        for fold, member in enumerate(self.members):
            own = np.flatnonzero(self.folds[rows] == fold)
            predicted[own] = member.log_probabilities(self.texts[rows[own]])
        return predicted


@dataclass(frozen=True)
class TextTrainer:
    """Trains the text members; both passes use the same encoded texts.

    Attributes:
        encoder: hashed features -> TF-IDF.
        shared: shape (V,), features that would be in the vocabulary even without any single one of their listings.
        encoded: the shard's encoded texts.
        linear: fits classifiers on the encoded texts of all ranks.
        shard: this rank's rows.
        plan: how to train.
        categories: C.
        ranks: the ranks that train together.
        report: called after every member.
        folder: a folder of this rank for files of memory-mapped arrays.
    """

    encoder: TextEncoder
    shared: Bools
    encoded: TextBatch
    linear: LinearTrainer
    shard: Shard
    plan: Plan
    categories: int
    ranks: Ranks
    report: Report
    folder: Path

    def first_pass(self) -> tuple[TextBranch, float]:
        """Train on hard targets; return the members and the C (inverse L2 penalty) that was chosen.

        C is chosen by out-of-sample accuracy on the given labels: noisy labels need a smaller C, few listings per
        category a larger C. The loss is not used, because it rewards probabilities that are as uncertain as the labels
        are noisy. In a tie the smaller C wins, because it fits wrong labels less. Of a large catalogue, the first
        members suffice to choose it.
        """
        targets = one_hot(self.shard.hard_targets, self.categories)
        rows, members = float(self.ranks.sum([len(self.shard)])[0]), self.plan.text_members
        choosing = range(min(max(math.ceil(_CHOOSING * members / max(rows, 1.0)), 1), members))

        def fit(c: float, starts: Sequence[FittedMember]) -> list[FittedMember]:
            fitted: list[FittedMember] = []
            for member in choosing:
                fitted.append(self._fit(member, targets, c, starts[member].weights if starts else None))
                self.report(FIRST_PASS, member + 1, len(choosing), _mean_loss(fitted))
            return fitted

        first = best = fit(_C, ())
        best_c = _C
        for smaller in _SMALLER_C:
            fitted = fit(smaller, best)
            if _accuracy(fitted) < _accuracy(best):
                break
            best, best_c = fitted, smaller
        if best is first:
            larger = fit(_LARGER_C, first)
            if _accuracy(larger) > _accuracy(first):
                best, best_c = larger, _LARGER_C
        return self.train(targets, best_c, FIRST_PASS, fitted=best), best_c

    def train(
        self,
        targets: Targets,
        c: float,
        stage: str,
        *,
        fitted: Sequence[FittedMember] = (),
        start: TextBranch | None = None,
    ) -> TextBranch:
        """Fit all K members on this rank's shard, together with the other ranks.

        Member k is fitted on the rows that it does not predict, without those of which their sellers have duplicates
        among the predicted ones (`training.folds`). So every member predicts its own fold out of sample.

        Args:
            targets: each listing's target distribution.
            c: inverse L2 penalty.
            stage: name of the stage, for progress reports.
            fitted: the first members, if they are already fitted.
            start: a branch from whose members to start, each from the member of the same fold; None: from 0.
        """
        members, fitted = self.plan.text_members, list(fitted)
        for member in range(len(fitted), members):
            fitted.append(self._fit(member, targets, c, None if start is None else start.members[member]))
            self.report(stage, member + 1, members, _mean_loss(fitted))
        weights = tuple(each.weights for each in fitted)
        folds, texts = self.shard.buckets % members, self.linear.texts
        return TextBranch(self.encoder, self.encoded, texts, folds, weights, _mean_loss(fitted))

    def _fit(self, member: int, targets: Targets, c: float, start: LinearMember | None) -> FittedMember:
        folds, seed = self.shard.buckets % self.plan.text_members, self.plan.seed + member
        width = bottleneck_width(self.encoder.features, self.plan.text_members, self.categories)
        own = np.flatnonzero(folds == member)
        others = np.flatnonzero(may_learn(self.shard.left_out, member, self.plan.text_members))
        weights = self.linear.fit(targets, others, c=c, bottleneck=width, seed=seed, start=start)
        loss, right, hard_targets = 0.0, 0.0, self.shard.hard_targets
        for part in blocks(own):
            predicted = weights.log_probabilities(self.linear.texts[part])
            loss -= float((predicted * targets(part)).sum(dtype=np.float64))
            right += float((predicted.argmax(axis=1) == hard_targets[part]).sum())
        return FittedMember(weights, *map(float, self.ranks.sum([loss, right, float(len(own))])))

    def predict(self, branch: TextBranch, rows: Ints) -> Floats32:
        """Out-of-sample log-probabilities of some of the shard's texts, shape (n, C); NaN without known features."""
        predicted = branch.predict(rows)
        predicted[self.encoded.splits[rows] == self.encoded.splits[rows + 1]] = np.nan
        return predicted


def make_text_trainer(
    shard: Shard, plan: Plan, categories: int, hash_size: int, ranks: Ranks, report: Report, folder: Path
) -> TextTrainer:
    """Build the vocabulary over all ranks and encode this rank's texts; seeds TensorFlow's random numbers.

    Args:
        shard: this rank's rows.
        plan: how to train.
        categories: C.
        hash_size: size of the hashed feature space.
        ranks: the ranks that train together.
        report: called after every member.
        folder: a folder of this rank for files of memory-mapped arrays.
    """
    tf.keras.utils.set_random_seed(plan.seed + ranks.rank)
    encoder, shared = _make_encoder(shard, plan, hash_size, ranks)
    encoded = _encode(encoder, shard, folder)
    texts = csr_matrix((encoded.weights, encoded.ids, encoded.splits), (len(shard), encoder.features))
    squares = np.zeros(encoder.features)
    for start in range(0, len(encoded.ids), _COUNT_CHUNK):
        part = slice(start, start + _COUNT_CHUNK)
        squares += np.bincount(encoded.ids[part], encoded.weights[part].astype(np.float64) ** 2, encoder.features)
    linear = LinearTrainer(texts, ranks.sum(squares) / ranks.sum([len(shard)]), categories, ranks)
    return TextTrainer(encoder, shared, encoded, linear, shard, plan, categories, ranks, report, folder)


def _mean_loss(fitted: Sequence[FittedMember]) -> float:
    return sum(each.loss for each in fitted) / max(sum(each.rows for each in fitted), 1.0)


def _accuracy(fitted: Sequence[FittedMember]) -> float:
    return sum(each.right for each in fitted) / max(sum(each.rows for each in fitted), 1.0)


def one_hot(hard_targets: Ints, categories: int) -> Targets:
    """Hard targets as one-hot distributions."""
    identity = np.eye(categories, dtype=np.float32)
    return lambda rows: identity[hard_targets[rows]]


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


def _encode(encoder: TextEncoder, shard: Shard, folder: Path) -> TextBatch:
    """The shard's texts as TF-IDF over the vocabulary, memory-mapped: they take about a kilobyte per listing."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = [np.zeros(0, np.int64)]
    with create(folder / "tf-idf-ids") as ids, create(folder / "tf-idf-weights") as weights:
        for rows in blocks(np.arange(len(shard))):
            batch = shard.texts(rows)
            indices, tf_idf = encoder(batch.ids, batch.weights, batch.splits)
            indices[:, 1].numpy().astype(np.int32).tofile(ids)
            tf_idf.numpy().tofile(weights)
            lengths.append(np.bincount(indices[:, 0].numpy(), minlength=len(rows)))
    splits = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    shape = (int(splits[-1]),)
    return TextBatch(
        map_file(folder / "tf-idf-ids", np.int32, shape), map_file(folder / "tf-idf-weights", np.float32, shape), splits
    )
