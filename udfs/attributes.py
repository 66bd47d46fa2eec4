"""Predict attributes of listings from their words and the kept vectors of their pictures."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from schemas.arrays import Bools, Floats, Ints
from schemas.attributes import ATTRIBUTE_FOLDS, ATTRIBUTES_FILE, NO_ATTRIBUTES, AttributeHead, AttributeModel
from schemas.tensors import TextBatch, VectorBatch

_UNFOLDING_STEPS = 50
_AS_FREQUENT = 2.0
"""How many times as frequent as another value one may be to speak against it."""
_ARRAYS = ("words", "word_kernel", "word_bias", "picture_kernel", "picture_bias", "weights", "sure", "shares")


@dataclass(frozen=True)
class AttributePrediction:
    """Log-probabilities of one attribute for n listings, shape (n, A) each; NaN where there is no input.

    Attributes:
        fused: from words and picture.
        by_words, by_picture: from one of them, as if there were no other.
    """

    fused: Floats
    by_words: Floats
    by_picture: Floats


def word_matrix(texts: TextBatch, known: Ints) -> csr_matrix:
    """The words that a head knows, shape (n, V): 1 + log of how often they occur, each row of length 1.

    Args:
        texts: features of n texts.
        known: shape (V,), hashed words, ascending.
    """
    rows = np.repeat(np.arange(len(texts.splits) - 1), np.diff(texts.splits))
    columns = np.searchsorted(known, texts.ids)
    found = columns < len(known)
    found[found] = known[columns[found]] == texts.ids[found]
    values = 1.0 + np.log(np.maximum(texts.weights[found], 1.0))
    shape = (len(texts.splits) - 1, len(known))
    matrix = csr_matrix((values, (rows[found], columns[found])), shape=shape, dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    matrix.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(matrix.indptr)).astype(np.float32)
    return matrix


def predict_attribute(
    head: AttributeHead, titles: TextBatch, texts: TextBatch, pictures: VectorBatch, buckets: Ints
) -> AttributePrediction:
    """Predict one attribute of n listings, each by the member that has not been fitted on it.

    Args:
        head: the attribute.
        titles: features of the titles.
        texts: features of titles and descriptions.
        pictures: vectors of the bundle's picture encoder.
        buckets: shape (n,), 0 to 2519.
    """
    folds = np.asarray(buckets) % ATTRIBUTE_FOLDS
    words = word_matrix(texts if head.part < 0 else titles, head.words)
    by_words = np.full((len(folds), len(head.values)), np.nan)
    by_picture = by_words.copy()
    readable = np.diff(words.indptr) > 0
    seen = pictures.present & (head.picture_kernel.shape[1] > 0)
    for fold in range(ATTRIBUTE_FOLDS):
        rows = np.flatnonzero(readable & (folds == fold))
        by_words[rows] = log_softmax(words[rows] @ head.word_kernel[fold] + head.word_bias[fold])
        rows = np.flatnonzero(seen & (folds == fold))
        values = pictures.values[rows].astype(np.float32)
        if len(rows):
            by_picture[rows] = log_softmax(values @ head.picture_kernel[fold] + head.picture_bias[fold])
    return AttributePrediction(
        fuse_inputs(by_words, by_picture, head.weights),
        log_softmax(head.weights[0] * by_words),
        log_softmax(head.weights[1] * by_picture),
    )


def fuse_inputs(by_words: Floats, by_picture: Floats, weights: Floats) -> Floats:
    """Log-probabilities from what there is of words and picture, shape (n, A); NaN without any.

    Args:
        by_words, by_picture: log-probabilities, shape (n, A); NaN where there is no input.
        weights: as `AttributeHead.weights`.
    """
    read, seen = (~np.isnan(each[:, :1]) for each in (by_words, by_picture))
    both = read & seen
    word_weight, picture_weight = np.where(both, weights[2], weights[0]), np.where(both, weights[3], weights[1])
    scores = np.nan_to_num(by_words) * word_weight + np.nan_to_num(by_picture) * picture_weight
    return np.where(read | seen, log_softmax(scores), np.nan)


def log_softmax(scores: Floats) -> Floats:
    """Scores, shape (n, A) -> log-probabilities."""
    shifted = np.asarray(scores, np.float64) - np.max(scores, axis=1, keepdims=True, initial=-np.inf)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def contradictions(probabilities: Floats, swaps: Floats, sure: Bools, shares: Floats) -> Floats:
    """The probability, for each value that a listing may state, that it states this value and another one is true.

    The probabilities describe what such listings state, with all errors. What is true follows by unfolding the errors
    (Richardson 1972, Lucy 1974), which keeps probabilities positive. A value speaks against others only if it is
    recognised surely, and never against one that is less than half as frequent: what is usual needs no sign, so
    listings that show nothing look like it, whatever they truly are.

    Args:
        probabilities: shape (n, A), of what listings state.
        swaps, sure, shares: as in `AttributeHead`.

    Returns:
        Shape (n, A), 0 to 1.
    """
    true = probabilities.copy()
    for _ in range(_UNFOLDING_STEPS):
        expected = np.maximum(true @ swaps, 1e-12)
        true = true * ((probabilities / expected) @ swaps.T)
        true /= true.sum(axis=1, keepdims=True)
    stated = np.maximum(true @ swaps, 1e-12)
    speaks = sure[:, None] & (shares[:, None] <= _AS_FREQUENT * shares) & ~np.eye(len(swaps), dtype=np.bool_)
    return np.asarray((true @ (swaps * speaks)) / stated)


def save_attributes(model: AttributeModel, folder: Path) -> None:
    """Write the heads into a bundle's folder; nothing without heads."""
    if not model.heads:
        return
    arrays: dict[str, object] = {"separator": np.array(model.separator), "heads": np.array(len(model.heads))}
    for number, head in enumerate(model.heads):
        for field in fields(head):
            value = getattr(head, field.name)
            if value is not None:
                arrays[f"{number}_{field.name}"] = np.asarray(value)
    np.savez_compressed(folder / ATTRIBUTES_FILE, **arrays)  # type: ignore[arg-type]


def load_attributes(folder: Path) -> AttributeModel:
    """Read the heads of a bundle; those that were written without any have none."""
    if not (folder / ATTRIBUTES_FILE).is_file():
        return NO_ATTRIBUTES
    with np.load(folder / ATTRIBUTES_FILE, allow_pickle=False) as stored:
        values = dict(stored)
    return AttributeModel(
        tuple(_head(values, f"{number}_") for number in range(int(values["heads"]))), str(values["separator"])
    )


def _head(stored: dict[str, np.ndarray], prefix: str) -> AttributeHead:  # type: ignore[type-arg]
    return AttributeHead(
        name=str(stored[f"{prefix}name"]),
        values=tuple(map(str, stored[f"{prefix}values"])),
        part=int(stored[f"{prefix}part"]),
        suggest_from=float(stored[f"{prefix}suggest_from"]),
        swaps=stored.get(f"{prefix}swaps"),
        listings=int(stored[f"{prefix}listings"]),
        suggested=float(stored[f"{prefix}suggested"]),
        precision=float(stored[f"{prefix}precision"]),
        **{name: stored[prefix + name] for name in _ARRAYS},
    )
