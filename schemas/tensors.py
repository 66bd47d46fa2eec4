"""Inputs and outputs of the networks in training and inference: shapes, types and value ranges.

Text features are sparse and stored as compressed sparse rows: listing i has the features
`ids[splits[i]:splits[i + 1]]`. Pictures and their vectors are dense and have a flag; without a usable picture the
values are zero and the flag is false.
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
        ids: int64, shape (m,): hashed features, 0 <= id < `hash_size` of the text settings; ids from
            `hash_size` on are dimensions of a pretrained encoder's vector.
        weights: float32, shape (m,): term frequencies > 0, before IDF; for the encoder's dimensions, its values.
        splits: int64, shape (n + 1,), ascending, splits[0] = 0, splits[n] = m.
    """

    ids: Ints
    weights: Floats32
    splits: Ints

    def take(self, rows: Ints) -> TextBatch:
        """The features of some rows, in the order of `rows`; copied, also from a memory map."""
        lengths = self.splits[rows + 1] - self.splits[rows]
        splits = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        positions = np.repeat(self.splits[rows] - splits[:-1], lengths) + np.arange(splits[-1])
        return TextBatch(self.ids[positions].astype(np.int64), np.asarray(self.weights[positions]), splits)


@dataclass(frozen=True)
class PictureBatch:
    """The decoded pictures of n listings.

    Attributes:
        pixels: uint8, shape (n, height, width, 3), RGB; zero where `present` is false.
        present: bool, shape (n,).
        status: n values of `schemas.reasons.ImageStatus`.
        sizes: int32, shape (n, 2): width and height in pixels, from the picture's header; 0 where it was not read.
        formats: n names of the files' formats; None where it is not known.
    """

    pixels: NDArray[np.uint8]
    present: Bools
    status: list[str]
    sizes: NDArray[np.int32]
    formats: list[str | None]


@dataclass(frozen=True)
class VectorBatch:
    """The vectors of n listings' pictures.

    Attributes:
        values: float16, shape (n, D), what the picture encoder makes of them; zero where `present` is false.
        present: bool, shape (n,).
    """

    values: NDArray[np.float16]
    present: Bools

    def take(self, rows: Ints) -> VectorBatch:
        """The vectors of some rows, in the order of `rows`; copied, also from a memory map."""
        return VectorBatch(self.values[rows], self.present[rows])


@dataclass(frozen=True)
class Prediction:
    """A bundle's predictions for n listings, over its C categories (in the bundle's order).

    Attributes:
        branches: branch name -> log-probabilities, float32, shape (n, C); a row is NaN if the listing lacks an input of
            the branch.
        fused: float32, shape (n, C), log of the calibrated probabilities from all inputs; NaN without any input.
        novelty: float64, shape (n,), share of the listing's words that are not in the vocabulary, 0 to 1; NaN without
            words.
    """

    branches: dict[str, Floats32]
    fused: Floats32
    novelty: Floats

    def of(self, branch: str) -> Floats32:
        """The log-probabilities of a branch, shape (n, C); all NaN if the bundle lacks the branch."""
        return self.branches.get(branch, np.full_like(self.fused, np.nan))
