"""Project TF-IDF texts to short dense vectors: latent semantic analysis (Deerwester et al., 1990), over all ranks.

It uses no labels, so a member may take the vectors of its own fold's listings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from schemas.arrays import Floats32
from schemas.tensors import TextBatch
from training.blocks import blocks, write_rows
from training.ranks import Ranks

WIDTH = 192
"""Length of a text's vector; less if the vocabulary is smaller."""
_OVERSAMPLING = 16
_STEPS = 3
_SPREAD = 2.0
"""Standard deviation of all values of the projected texts."""


def fit_projection(encoded: TextBatch, features: int, ranks: Ranks, seed: int) -> Floats32:
    """The leading right singular vectors of the ranks' TF-IDF matrix, by randomised subspace iteration.

    Halko, Martinsson and Tropp, Finding structure with randomness (SIAM Review, 2011), algorithm 4.4.

    Args:
        encoded: TF-IDF of this rank's texts.
        features: size of the vocabulary, V.
        ranks: the ranks that call this together.
        seed: of the start.

    Returns:
        Shape (V, T), the same on every rank, scaled so that the projected texts have a standard deviation of 2.
    """
    texts = as_matrix(encoded, features)
    width = min(WIDTH + _OVERSAMPLING, features)
    basis = np.random.default_rng(seed).standard_normal((features, width)).astype(np.float32)
    for _ in range(_STEPS):
        products = ranks.sum(_sum_of_blocks(texts, partial(_product, basis=basis)))
        basis = ranks.broadcast_value(np.linalg.qr(products.astype(np.float32))[0])
    values, vectors = np.linalg.eigh(ranks.sum(_sum_of_blocks(texts, partial(_squares, basis=basis))))
    count = max(float(ranks.sum([texts.shape[0]])[0]), 1.0)
    kept = min(WIDTH, width)
    variance = float(values[-kept:].sum()) / (count * kept)
    scale = _SPREAD / max(np.sqrt(variance), np.finfo(np.float32).tiny)
    rotation = vectors[:, ::-1][:, :kept] * scale
    return np.asarray(ranks.broadcast_value((basis @ rotation).astype(np.float32)))


def project(encoded: TextBatch, projection: Floats32, file: Path) -> Floats32:
    """The vectors of some texts, shape (n, T), memory-mapped from a file; one that exists is replaced."""
    texts = as_matrix(encoded, len(projection))
    parts = (texts[part] @ projection for part in blocks(np.arange(texts.shape[0])))
    return write_rows(file, parts, projection.shape[1])


def as_matrix(encoded: TextBatch, features: int) -> csr_matrix:
    """Encoded texts as a sparse matrix, shape (n, V)."""
    return csr_matrix((encoded.weights, encoded.ids, encoded.splits), (len(encoded.splits) - 1, features))


def _product(texts: csr_matrix, basis: Floats32) -> Floats32:
    return np.asarray(texts.T @ (texts @ basis))


def _squares(texts: csr_matrix, basis: Floats32) -> Floats32:
    projected = np.asarray(texts @ basis)
    return np.asarray(projected.T @ projected)


def _sum_of_blocks(texts: csr_matrix, of: Callable[[csr_matrix], Floats32]) -> Floats32:
    """The sum of a function over blocks of rows, so that no array has a dense row per text."""
    first, *others = blocks(np.arange(texts.shape[0]))
    total = of(texts[first])
    for rows in others:
        total += of(texts[rows])
    return total
