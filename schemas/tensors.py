"""What the network takes and gives: shapes, types and value ranges, for training and inference alike.

Texts are sparse, so a batch of n listings carries them in compressed rows: listing i owns the
features `ids[splits[i]:splits[i + 1]]`. Pictures have one fixed shape and a presence flag; where
there is no usable picture the pixels are zero and the flag is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.arrays import Bools, Floats, Floats32, Ints

CHANNELS = 3


@dataclass(frozen=True)
class TextBatch:
    """The text features of n listings.

    Attributes:
        ids: int64, shape (m,), hashed feature ids, 0 <= id < the text settings' `hash_size`; from there on the places
            of a pretrained encoder's vectors.
        weights: float32, shape (m,), term frequencies > 0 before IDF; of a vector its values.
        splits: int64, shape (n + 1,), rising, splits[0] = 0, splits[n] = m.
    """

    ids: Ints
    weights: Floats32
    splits: Ints

    def take(self, rows: Ints) -> TextBatch:
        """The texts of some rows, in the order of `rows`; copies them out of a memory map."""
        lengths = self.splits[rows + 1] - self.splits[rows]
        splits = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        where = np.repeat(self.splits[rows] - splits[:-1], lengths) + np.arange(splits[-1])
        return TextBatch(self.ids[where].astype(np.int64), np.asarray(self.weights[where]), splits)


@dataclass(frozen=True)
class PictureBatch:
    """The decoded pictures of n listings.

    Attributes:
        pixels: uint8, shape (n, height, width, 3), RGB; zero where `present` is false.
        present: bool, shape (n,).
        status: n values of `schemas.reasons.ImageStatus`.
    """

    pixels: NDArray[np.uint8]
    present: Bools
    status: list[str]


@dataclass(frozen=True)
class Judgement:
    """What a bundle says of n listings, over its C categories (in the bundle's order).

    Attributes:
        text: float32, shape (n, C), log-probabilities by the text alone; NaN rows where there is no text.
        image: float32, shape (n, C), by the picture alone; NaN rows where there is no usable picture.
        fused: float32, shape (n, C), log of the calibrated probabilities by all that is present;
            NaN rows where there is neither text nor picture.
        novelty: float64, shape (n,), share of the words that no listing learnt from has, 0 to 1; NaN without words.
    """

    text: Floats32
    image: Floats32
    fused: Floats32
    novelty: Floats
