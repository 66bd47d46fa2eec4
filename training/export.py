"""Trained members -> SavedModels that need no training code: hashed features and pixels in, log-probabilities out."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from training.fused_branch import FusedBranch
from training.network import Tensor
from training.text_branch import TextBranch

_TEXTS = [
    tf.TensorSpec([None], tf.int64, "ids"),
    tf.TensorSpec([None], tf.float32, "weights"),
    tf.TensorSpec([None], tf.int64, "splits"),
]


class _Judge(tf.Module):  # type: ignore[misc]
    """Holds on to what a signature uses, so that it is saved with it."""

    def __init__(self, encoder: Tensor, model: Tensor) -> None:
        super().__init__(name="judge")
        self.encoder, self.model = encoder, model


def save_text(text: TextBranch, folder: str) -> None:
    """Save all K text members as one SavedModel.

    Its signature takes ids, weights, splits (`schemas.tensors.TextBatch`) and fold, int64 (n,), and gives
    `log_probabilities`, float32 (n, C), of each row by its fold's member, and `known` and `known_words`, int64 (n,),
    how many of its features, and of its words and pairs, the vocabulary holds.
    """
    module = _Judge(text.encoder, text.model)

    def judge(ids: Tensor, weights: Tensor, splits: Tensor, fold: Tensor) -> dict[str, Tensor]:
        indices, values = module.encoder(ids, weights, splits)
        logits = tf.gather(module.model(indices, values, tf.size(fold)), fold, axis=1, batch_dims=1)
        known, words = (
            tf.math.unsorted_segment_sum(tf.cast(counted, tf.int64), indices[:, 0], tf.size(fold))
            for counted in (tf.ones_like(indices[:, 0]), indices[:, 1] < module.encoder.words)
        )
        return {"log_probabilities": tf.nn.log_softmax(logits), "known": known, "known_words": words}

    inputs = [*_TEXTS, tf.TensorSpec([None], tf.int64, "fold")]
    _save(module, judge, inputs, folder)


def save_fused(fused: FusedBranch, text: TextBranch, folder: str) -> None:
    """Save a fused member as a SavedModel.

    Its signature takes pixels, uint8 (n, h, w, 3), ids, weights and splits, and gives `image` and `head`,
    float32 (n, C) log-probabilities.
    """
    module = _Judge(text.encoder, fused.model)
    shape = [None, *fused.model.trunk.input_shape[1:]]

    def judge(pixels: Tensor, ids: Tensor, weights: Tensor, splits: Tensor) -> dict[str, Tensor]:
        indices, values = module.encoder(ids, weights, splits)
        image, head = module.model(pixels, indices, values, training=False)
        return {"image": tf.nn.log_softmax(image), "head": tf.nn.log_softmax(head)}

    _save(module, judge, [tf.TensorSpec(shape, tf.uint8, "pixels"), *_TEXTS], folder)


def _save(module: _Judge, judge: Callable[..., dict[str, Tensor]], inputs: list[Tensor], folder: str) -> None:
    signature = tf.function(judge, input_signature=inputs)
    tf.saved_model.save(module, folder, signatures={"serving_default": signature})
