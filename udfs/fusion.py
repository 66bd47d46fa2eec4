"""Late fusion: the branches' probabilities, each raised to its weight, multiplied and made to sum to 1."""

from __future__ import annotations

import numpy as np

from schemas.arrays import Floats, Floats32
from schemas.bundle import Fusion, FusionWeights


def fuse(text: Floats32, image: Floats32, head: Floats32, fusion: Fusion) -> Floats32:
    """`log q ∝ w_text log p_text + w_image log p_image + w_head log p_head`, weights by what is present.

    Args:
        text, image, head: log-probabilities, shape (n, C); rows of NaN where a branch has nothing to say.
        fusion: the weights.

    Returns:
        log q, shape (n, C); rows of NaN where there is neither text nor picture.
    """
    has_text, has_image = ~np.isnan(text[:, 0]), ~np.isnan(image[:, 0])
    fused = np.full(text.shape, np.nan, np.float32)
    for rows, weights in (
        (has_text & has_image, fusion.both),
        (has_text & ~has_image, fusion.text_only),
        (~has_text & has_image, fusion.image_only),
    ):
        if rows.any():
            fused[rows] = weighted(text[rows], image[rows], head[rows], weights)
    return fused


def weighted(text: Floats32, image: Floats32, head: Floats32, weights: FusionWeights) -> Floats32:
    """The product of the branches under one set of weights; a branch of weight 0 may be NaN."""
    total = np.zeros(text.shape, np.float32)
    for branch, weight in ((text, weights["text"]), (image, weights["image"]), (head, weights["head"])):
        if weight:
            total += np.float32(weight) * branch
    return log_softmax(total)


def sharpened(probabilities: Floats, weight: float) -> Floats:
    """Probabilities, rows of shape (n, C), raised to a weight and made to sum to 1 again."""
    raised = probabilities**weight
    return np.asarray(raised / np.maximum(raised.sum(axis=1, keepdims=True), 1e-300))


def log_softmax(scores: Floats32) -> Floats32:
    """Scores -> log-probabilities, row by row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)
