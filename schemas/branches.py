"""The branches of the model: each predicts a listing's category from some of its inputs.

A branch is an entry in `BRANCHES`. Everything else about predictions uses the branch's name as key: log-probabilities
(`dict[str, Floats32]`), weights (`Fusion`), outputs of networks, columns of predictions. To add a branch:

1. Add an entry at the end of `BRANCHES`.
2. Give it a network. If an existing network can also predict the branch, add an output with the branch's name in
   `training.network`, so that its loss counts, and in `training.export`. Otherwise write the network and its trainer,
   call the trainer in `training.worker.train_rank`, which stores the out-of-sample log-probabilities under the branch's
   name, save the network in `training.export`, and run it in `udfs.predictor.Predictor`.
3. If its predictions are stored separately, declare the columns in `schemas.tables` and set `stored`.
4. Increase `schemas.bundle.FORMAT`, and test that the branch learns, does not learn from its own fold, and predicts the
   same from its saved network (tests/unit/test_branches.py).

Weight fitting, fusion, calibration and the bundle's files need no change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TypeAlias


class Input(StrEnum):
    """An input that a listing may have."""

    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True)
class Branch:
    """A way to predict a listing's category.

    Attributes:
        name: the key of its log-probabilities and weights.
        inputs: the inputs of its network. The branch has a weight only for listings that have all of them.
        network: the saved network with an output of the branch's name.
        stored: whether the table predictions has columns for it: NAME_top, NAME_category and NAME_confidence.
    """

    name: str
    inputs: frozenset[Input]
    network: str
    stored: bool = False


TEXT_NETWORK, PICTURE_NETWORK = "text", "picture"
"""Names of saved networks in a bundle."""

TEXT = Branch("text", frozenset({Input.TEXT}), TEXT_NETWORK, stored=True)
IMAGE = Branch("image", frozenset({Input.IMAGE}), PICTURE_NETWORK, stored=True)
HEAD = Branch("head", frozenset({Input.TEXT, Input.IMAGE}), PICTURE_NETWORK)
BRANCHES = (TEXT, IMAGE, HEAD)
"""Text alone, picture alone, and early fusion: a head over the features of both."""

Weights: TypeAlias = dict[str, float]
"""Branch -> exponent of its probabilities in the fused product; 0: the branch is ignored."""
Fusion: TypeAlias = dict[str, Weights]
"""Key of `INPUT_SETS` -> weights of the applicable branches, for listings with exactly these inputs."""

INPUT_SETS: dict[str, frozenset[Input]] = {
    "+".join(present): frozenset(present) for size in range(len(Input), 0, -1) for present in combinations(Input, size)
}
"""Key -> set of inputs that a listing may have; the keys are text+image, text and image."""


def predicted_by(network: str) -> list[str]:
    """The branches that a network predicts."""
    return [branch.name for branch in BRANCHES if branch.network == network]


def applicable_branches(present: frozenset[Input], branches: Collection[str]) -> list[str]:
    """The branches, in the order of `BRANCHES`, that have a weight for listings with these inputs.

    Args:
        present: the inputs that the listings have.
        branches: names of the trained branches, for example without the image branch if there are no pictures.
    """
    return [branch.name for branch in BRANCHES if branch.name in branches and branch.inputs <= present]
