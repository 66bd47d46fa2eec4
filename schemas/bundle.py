"""The files of a bundle, the folder that the registry keeps of a trained model.

It holds `bundle.json` (`BundleSpec`), `noise.npz` (`NoiseModel`), the networks as TensorFlow SavedModels, and the
folder `encoder` if a pretrained text encoder is used. Inference needs nothing else: no settings, no training data.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.arrays import Floats
from schemas.branches import Fusion

SPEC_FILE = "bundle.json"
NOISE_FILE = "noise.npz"
ENCODER_FOLDER = "encoder"
FORMAT = 5
"""The version of these files; raise it when older code could not read them."""

BUCKETS = 2520
"""Groups of listings hash to 0..2519, which 2 to 10 divide: folds are of equal size for every number of members."""


@dataclass(frozen=True)
class BundleSpec:
    """How to run the networks and read their outputs.

    Attributes:
        categories: C category codes, the order of every probability vector.
        text_members: K, the text members; member bucket mod K has not trained on the listing and predicts it.
        image_members: the fused members, a divisor of `text_members`; 0: the model uses no pictures.
        text: keyword arguments of `udfs.text.featurize`.
        picture: keyword arguments of `udfs.pictures.decode`.
        fusion: the branches' weights.
        prior: C probabilities of the categories, for a listing without any input.
        novel_above: a larger `predictions.novelty` means that the listing is unlike the training set.
        canary_share: share of the listings whose label was made wrong for training; see `training.canaries`.
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
    """How sellers label, and how often pictures show something else, as fitted in training.

    Attributes:
        categories: C category codes.
        transitions: float64, shape (C, C), M[c, l] = P(the label is l | the truth is c and the label is wrong);
            rows sum to 1, diagonal 0.
        error_rate: the overall share of wrong labels, 0 to 1; used where there is no seller.
        rate_factor: error_rate divided by the posterior's share of wrong labels, above 0.
        sellers: seller_id -> error rate, shrunk towards the overall one.
        mismatch_weight: exponent of the picture's probabilities in the test whether it shows something else.
        image_marginal: float64, shape (C,), mean of these powers, normalised: a random picture's probabilities.
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
