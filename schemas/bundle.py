"""What a registered model holds: the bundle's description and its noise model, as files in one folder.

A bundle is a folder with `bundle.json` (`BundleSpec`), `noise.npz` (`NoiseModel`) and one TensorFlow
SavedModel a member, and `encoder` where a pretrained text encoder was plugged in. It alone suffices for inference: no
settings, no training data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from schemas.arrays import Floats

SPEC_FILE = "bundle.json"
NOISE_FILE = "noise.npz"
ENCODER_FOLDER = "encoder"
FORMAT = 4
"""Raised when the files change in a way that older code cannot read."""

BUCKETS = 2520
"""Groups hash to 0..2519; divisible by 2 to 10, so folds are even for every K."""


class FusionWeights(TypedDict):
    """Exponents of the branches' probabilities in the fused product; a branch left out has weight 0."""

    text: float
    image: float
    head: float


@dataclass(frozen=True)
class Fusion:
    """The branches' weights by what a listing has.

    Attributes:
        both: where text and picture are present.
        text_only: where there is text alone.
        image_only: where there is a picture alone.
    """

    both: FusionWeights
    text_only: FusionWeights
    image_only: FusionWeights


@dataclass(frozen=True)
class BundleSpec:
    """How to feed the members and how to read them.

    Attributes:
        categories: C category codes, the order of every probability vector.
        text_members: K; member bucket mod K judges a listing's text.
        image_members: K of the picture branch and the fused head, a divisor of `text_members`; 0: no pictures.
        text: keyword arguments of `udfs.text.featurize`.
        picture: keyword arguments of `udfs.pictures.decode`.
        fusion: the branches' weights.
        prior: C probabilities of the categories, for a listing with neither.
        novel_above: a listing of a larger `predictions.novelty` is unlike all that was learnt from.
        canary_share: part of the listings whose label was made wrong for the training; see `training.canaries`.
    """

    categories: tuple[str, ...]
    text_members: int
    image_members: int
    text: dict[str, int | float | list[int]]
    picture: dict[str, int | float]
    fusion: Fusion
    prior: tuple[float, ...]
    novel_above: float = 1.0
    canary_share: float = 0.0
    format: int = FORMAT


@dataclass(frozen=True)
class NoiseModel:
    """How sellers label, and how often pictures are of something else, as fitted at training.

    Attributes:
        categories: C category codes.
        transitions: float64, shape (C, C), M[c, l] = P(the label is l | the truth is c and the label is wrong);
            rows sum to 1, diagonal 0.
        error_rate: the overall share of wrong labels, 0 to 1; used where there is no seller.
        rate_factor: by which the posterior's share of wrong labels is multiplied to have that rate, above 0.
        sellers: seller_id -> error rate, shrunk to the overall one.
        mismatch_weight: exponent of the picture's probabilities where it is asked whether it shows something else.
        image_marginal: float64, shape (C,), their mean under that exponent: what a random picture looks like.
        mismatch_rate: the share of pictures that show something else, 0 to 1.
    """

    categories: tuple[str, ...]
    transitions: Floats
    error_rate: float
    rate_factor: float
    sellers: dict[str, float]
    mismatch_weight: float
    image_marginal: Floats
    mismatch_rate: float
