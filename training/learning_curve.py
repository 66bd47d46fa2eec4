"""Members that train on a quarter of the listings each: how much does the text branch gain from more listings?"""

from __future__ import annotations

import numpy as np

from schemas.arrays import Bools, Ints
from training.blocks import blocks
from training.first_pass import FewerListings
from training.text_branch import TextBranch, TextTrainer, one_hot

_QUARTERS = 4


def train_on_quarters(trainer: TextTrainer, text: TextBranch, c: float, rows: Ints, ancestors: Bools) -> FewerListings:
    """Train a member on each quarter of the listings, as the members of the first pass were trained.

    Every rank must call it.

    Args:
        trainer: of this rank's shard.
        text: the members of the first pass.
        c: their inverse L2 penalty.
        rows: the rows of the shard for which to return results; each has a seller's label.
        ancestors: as `udfs.ancestors.ancestor_matrix`; they do not disagree with their descendants.
    """
    shard, linear, seed = trainer.shard, trainer.linear, trainer.plan.seed
    # Independent of the members' folds. Listings with the same text are in the same quarter.
    quarters = shard.buckets // trainer.plan.text_members % _QUARTERS
    targets = one_hot(shard.hard_targets, trainer.categories)
    disagree, related = np.zeros(len(rows)), ancestors | ancestors.T
    for quarter in range(_QUARTERS):
        own = np.flatnonzero(quarters == quarter)
        member = linear.fit(targets, own, c=c, bottleneck=text.bottleneck, seed=seed + quarter)
        others = np.flatnonzero(quarters[rows] != quarter)
        parts = [member.log_probabilities(linear.texts[part]).argmax(axis=1) for part in blocks(rows[others])]
        best = np.concatenate(parts)
        labels = shard.labels[rows[others]]
        disagree[others] += (best != labels) & ~related[labels, best]
    return FewerListings(disagree / (_QUARTERS - 1), _QUARTERS * (1.0 - 1.0 / trainer.plan.text_members))
