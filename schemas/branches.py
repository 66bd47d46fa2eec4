"""The branches of the model: each predicts a listing's category from some of its inputs.

A branch is an entry in `BRANCHES`. Everything else about predictions is keyed by the branch's name: log-probabilities
(`dict[str, Floats32]`), weights (`Fusion`), the outputs of networks, the columns of predictions. To add a branch:

1. Add its entry to `BRANCHES`, behind the others.
2. Give it a network. If an existing network can predict it too, add an output under the branch's name: in
   `training.network`, where its loss counts, and in `training.export`. Otherwise write the network and its trainer,
   call the trainer in `training.worker.train_rank`, which puts the out-of-sample log-probabilities under the branch's
   name, save the network in `training.export`, and let `udfs.predictor.Predictor` run it.
3. If its predictions are stored on their own, declare the columns in `schemas.tables` and set `stored`.
4. Raise `schemas.bundle.FORMAT`, and test that the branch learns, learns nothing from its own fold, and predicts the
   same from its saved network (tests/unit/test_branches.py).

Fitting of weights, fusion, calibration and the bundle's files need no change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TypeAlias


class Input(StrEnum):
    """What a listing may or may not have."""

    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True)
class Branch:
    """A way to predict a listing's category.

    Attributes:
        name: the key of its log-probabilities and weights.
        inputs: what its network takes. The branch gets a weight only for listings that have all of it.
        network: the saved network that predicts it, under the branch's name.
        stored: whether predictions have columns of their own for it: NAME_top, NAME_category and NAME_confidence.
    """

    name: str
    inputs: frozenset[Input]
    network: str
    stored: bool = False


TEXT_NETWORK, FUSED_NETWORK = "text", "fused"
"""Names of saved networks in a bundle; of the fused one, a number follows for each member."""

TEXT = Branch("text", frozenset({Input.TEXT}), TEXT_NETWORK, stored=True)
IMAGE = Branch("image", frozenset({Input.IMAGE}), FUSED_NETWORK, stored=True)
HEAD = Branch("head", frozenset({Input.TEXT, Input.IMAGE}), FUSED_NETWORK)
BRANCHES = (TEXT, IMAGE, HEAD)
"""Text alone, picture alone, and early fusion: a head over the features of both."""

Weights: TypeAlias = dict[str, float]
"""Branch -> exponent of its probabilities in the fused product; 0: the branch does not count."""
Fusion: TypeAlias = dict[str, Weights]
"""Weights by what a listing has: a key of `INPUT_SETS` -> the weights of the branches that apply."""

INPUT_SETS: dict[str, frozenset[Input]] = {
    "+".join(present): frozenset(present) for size in range(len(Input), 0, -1) for present in combinations(Input, size)
}
"""Every set of inputs that a listing may have, by its key: text+image, text, image."""


def predicted_by(network: str) -> list[str]:
    """The branches that a network predicts."""
    return [branch.name for branch in BRANCHES if branch.network == network]


def applicable_branches(present: frozenset[Input], branches: Collection[str]) -> list[str]:
    """The branches, in the order of `BRANCHES`, that get a weight for listings with these inputs.

    Args:
        present: what the listings have.
        branches: the names that there are, e.g. without the picture's where there are no pictures.
    """
    return [branch.name for branch in BRANCHES if branch.name in branches and branch.inputs <= present]
