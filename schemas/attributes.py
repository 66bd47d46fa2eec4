"""What a model has learnt of the attributes of listings, such as their colour or their condition."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.arrays import Bools, Floats, Floats32, Ints

ATTRIBUTES_FILE = "attributes.npz"
"""The file of a bundle with its heads; a bundle without heads has none."""
CONDITION = "condition"
"""The attribute of the column `listings.condition`."""
ATTRIBUTE_FOLDS = 3
"""K, number of members of each head; member bucket mod K has not been fitted on the listing and predicts it."""


@dataclass(frozen=True)
class AttributeHead:
    """Predicts one attribute from words and picture.

    Attributes:
        name: the attribute.
        values: its A values, as they are written most often.
        part: position of its value among the delimited parts of the description, from 0; the head then reads titles
            alone. -1: a column of the deliveries states it, and the head reads titles and descriptions.
        words: int64, shape (V,), the hashed words that it knows, ascending.
        word_kernel: float32, shape (K, V, A).
        word_bias: float32, shape (K, A).
        picture_kernel: float32, shape (K, D, A), for the vectors of the bundle's picture encoder; D is 0 if there were
            no pictures to learn from.
        picture_bias: float32, shape (K, A).
        weights: shape (4,), exponents of the probabilities: of the words where they are alone, of the picture where it
            is alone, and of words and picture where there are both.
        suggest_from: probability from which a value is suggested; above 1 if none is sure enough.
        swaps: shape (A, A), P(a listing states column | row is true); None unless contradictions are looked for.
        sure: shape (A,), values that are recognised surely enough to contradict others.
        shares: shape (A,), how often listings state each value; they sum to 1.
        listings: number of listings that it was learnt from.
        suggested: share of them for which the members would suggest a value out of sample, 0 to 1.
        precision: the share of these that are what the listing states; NaN without any.
    """

    name: str
    values: tuple[str, ...]
    part: int
    words: Ints
    word_kernel: Floats32
    word_bias: Floats32
    picture_kernel: Floats32
    picture_bias: Floats32
    weights: Floats
    suggest_from: float
    swaps: Floats | None
    sure: Bools
    shares: Floats
    listings: int
    suggested: float
    precision: float


@dataclass(frozen=True)
class AttributeModel:
    """The heads of a bundle.

    Attributes:
        heads: one per attribute, by name.
        separator: what stands between the parts of a description.
    """

    heads: tuple[AttributeHead, ...]
    separator: str


NO_ATTRIBUTES = AttributeModel((), ",")
"""Of a bundle without heads."""
