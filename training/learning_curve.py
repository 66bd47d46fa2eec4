"""Members that train on a quarter of the listings each: how much does the text branch gain from more listings?

The four members are one linear classifier with a copy of the vocabulary for each quarter. So an epoch costs about as
much as an epoch of a single member on all listings.
"""

from __future__ import annotations

import numpy as np

from schemas.arrays import Floats, Ints
from schemas.tensors import TextBatch
from training.first_pass import FewerListings
from training.network import TextMembers
from training.text_branch import TextBranch, TextTrainer, batches, make_step, one_hot, sparse

_QUARTERS = 4


def train_on_quarters(trainer: TextTrainer, text: TextBranch, c: float, rows: Ints) -> FewerListings:
    """Train a member on each quarter of the listings, as the members of the first pass were trained.

    Every rank must call it.

    Args:
        trainer: of this rank's shard.
        text: the members of the first pass.
        c: their inverse L2 penalty.
        rows: the rows of the shard for which to return results; each has a seller's label.
    """
    shard, plan, ranks = trainer.shard, trainer.plan, trainer.ranks
    # Independent of the members' folds. Listings with the same text are in the same quarter.
    quarters = shard.buckets // plan.text_members % _QUARTERS
    model = TextMembers(_QUARTERS * trainer.encoder.features, 1, trainer.categories)
    ranks.broadcast_variables(model.trainable_variables)
    total = int(ranks.sum([len(shard)])[0])
    batch, steps = batches(len(shard), plan, ranks)
    step = make_step(model, total, steps * plan.text_epochs, c, ranks)
    targets = one_hot(shard.hard_targets, trainer.categories)
    random = np.random.default_rng([plan.seed, ranks.rank])
    no_fold = np.ones(batch, np.int64)
    for _ in range(int(np.argmin(text.curve)) + 1):
        order = np.resize(random.permutation(len(shard)), steps * batch)
        for chosen in order.reshape(steps, batch):
            own = _in_vocabulary_of(trainer.encoded.take(chosen), quarters[chosen], trainer.encoder.features)
            step(*sparse(own), targets(chosen), no_fold)
    return FewerListings(_disagree(trainer, model, quarters, rows), _QUARTERS * (1.0 - 1.0 / plan.text_members))


def _disagree(trainer: TextTrainer, model: TextMembers, quarters: Ints, rows: Ints) -> Floats:
    """How many of the other quarters' members disagree with each label, as a share; shape (len(rows),)."""
    found = np.zeros(len(rows))
    for part in np.array_split(np.arange(len(rows)), max(len(rows) // 4096, 1)):
        texts, labels = trainer.encoded.take(rows[part]), trainer.shard.labels[rows[part]]
        for quarter in range(_QUARTERS):
            of_quarter = _in_vocabulary_of(texts, np.full(len(part), quarter), trainer.encoder.features)
            best = model(*sparse(of_quarter), len(part)).numpy()[:, 0].argmax(axis=1)
            found[part] += (best != labels) & (quarters[rows[part]] != quarter)
    return found / (_QUARTERS - 1)


def _in_vocabulary_of(texts: TextBatch, quarters: Ints, features: int) -> TextBatch:
    """The texts with the features of a quarter's copy of the vocabulary."""
    shift = np.repeat(quarters * features, np.diff(texts.splits))
    return TextBatch(texts.ids + shift, texts.weights, texts.splits)
