"""The files of a bundle, the folder in which the registry stores a trained model.

It contains `bundle.json` (`BundleSpec`), `noise.npz` (`NoiseModel`), the networks as TensorFlow SavedModels, and the
folder `picture_encoder`, and the folder `text_encoder` if a pretrained text encoder is used. Inference needs nothing
else, neither settings nor training data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.arrays import Floats
from schemas.branches import Fusion
from schemas.estimates import ShareEstimate

SPEC_FILE = "bundle.json"
NOISE_FILE = "noise.npz"
SHARE_PREFIX = "share_"
"""Of the fields of `NoiseModel.share` among the arrays of `noise.npz`."""
PICTURE_ENCODER_FOLDER, TEXT_ENCODER_FOLDER = "picture_encoder", "text_encoder"
FORMAT = 7
"""Version of these files; increase it when older code cannot read them."""
FIRST_WITH_PSEUDONYMS = 7
"""Bundles of earlier formats hold the ids of sellers."""

BUCKETS = 2520
"""Groups of listings hash to 0..2519. Every number from 2 to 10 divides 2520, so folds are of equal size for every
number of members."""


@dataclass(frozen=True)
class BundleSpec:
    """How to run the networks and read their outputs.

    Attributes:
        categories: C category codes, in the order of all probability vectors.
        text_members: K, number of members of each branch; member bucket mod K has not trained on the listing and
            predicts it.
        pictures: whether the model has a picture branch.
        encoder: identity of the picture encoder (`udfs.encoders.spec`).
        text: keyword arguments of `udfs.text.featurize`.
        picture: keyword arguments of `udfs.pictures.decode` besides the size, which the encoder gives.
        fusion: the branch weights.
        prior: C probabilities of the categories, used for a listing without any input.
        novel_above: threshold of `predictions.novelty`; listings above it are unlike the training set.
        canary_share: share of the listings whose label was made wrong for training; see `training.canaries`.
        decided: how many of the listings it learned from have a category that people have decided.
        labelled: category -> how many of them sellers have labelled with it; empty in models of earlier versions.
        format: version of the bundle's files.
    """

    categories: tuple[str, ...]
    text_members: int
    pictures: bool
    encoder: str
    text: dict[str, int | float | list[int]]
    picture: dict[str, int | float]
    fusion: Fusion
    prior: tuple[float, ...]
    novel_above: float = 1.0
    canary_share: float = 0.0
    decided: int = 0
    labelled: dict[str, int] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class NoiseModel:
    """Error rates of sellers, transitions between categories, and mismatched pictures, as fitted in training.

    Attributes:
        categories: C category codes.
        transitions: float64, shape (C, C), M[c, l] = P(the label is l | the truth is c and the label is wrong);
            rows sum to 1, diagonal 0.
        error_rate: the overall share of wrong labels, 0 to 1; used where there is no seller.
        rate_factor: `error_rate` divided by the share of wrong labels according to the posteriors; 0 if every label is
            kept, so that sellers' rates do not rise with the posteriors.
        sellers: pseudonym of the seller (`udfs.pseudonyms`) -> error rate, shrunk to the overall rate. While a model
            is fitted, the seller's id.
        mismatch_weight: exponent of the picture's probabilities in the mismatch test.
        image_marginal: float64, shape (C,), normalised mean of the picture probabilities raised to this exponent.
        mismatch_rate: the share of mismatched pictures, which show something other than the listing, 0 to 1.
        share: the share of wrong labels as training estimated it, with what it is based on. None if nothing is known of
            it, and in bundles that were written without it.
        claim_slope: what the logit of a kept label's posterior is multiplied by, 0.2 to 1 (`training.claims`).
        key_check: `udfs.pseudonyms.PseudonymKey.check` of the key of the pseudonyms; empty while a model is fitted.
    """

    categories: tuple[str, ...]
    transitions: Floats
    error_rate: float
    rate_factor: float
    sellers: dict[str, float]
    mismatch_weight: float
    image_marginal: Floats
    mismatch_rate: float
    share: ShareEstimate | None = None
    claim_slope: float = 1.0
    key_check: str = ""
