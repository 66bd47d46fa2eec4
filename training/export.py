"""Export trained members as SavedModels, which run without training code."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from schemas.branches import TEXT
from training.network import Tensor, TextMembers
from training.picture_branch import PictureBranch
from training.text_branch import TextBranch

_TEXTS = [
    tf.TensorSpec([None], tf.int64, "ids"),
    tf.TensorSpec([None], tf.float32, "weights"),
    tf.TensorSpec([None], tf.int64, "splits"),
]


class _Module(tf.Module):  # type: ignore[misc]
    """Holds the objects that a signature uses, so that they are saved with it."""

    def __init__(self, encoder: Tensor, model: Tensor) -> None:
        super().__init__(name="predict")
        self.encoder, self.model = encoder, model


def save_text(text: TextBranch, folder: str) -> None:
    """Save all K text members as one SavedModel.

    The signature takes ids, weights, splits (`schemas.tensors.TextBatch`) and fold, int64 (n,). It returns `text`,
    float32 (n, C), each row's log-probabilities from its fold's member, and `known` and `known_words`, int64 (n,): how
    many of the row's features, and of its words and word pairs, are in the vocabulary.
    """
    model = TextMembers(text.encoder.features, len(text.members), len(text.members[0].bias))
    for member, weights in enumerate(text.members):
        model.set_member(member, weights.kernel, weights.mixer, weights.bias)
    module = _Module(text.encoder, model)

    def predict(ids: Tensor, weights: Tensor, splits: Tensor, fold: Tensor) -> dict[str, Tensor]:
        indices, values = module.encoder(ids, weights, splits)
        logits = tf.gather(module.model(indices, values, tf.size(fold)), fold, axis=1, batch_dims=1)
        known, words = (
            tf.math.unsorted_segment_sum(tf.cast(counted, tf.int64), indices[:, 0], tf.size(fold))
            for counted in (tf.ones_like(indices[:, 0]), indices[:, 1] < module.encoder.words)
        )
        return {TEXT.name: tf.nn.log_softmax(logits), "known": known, "known_words": words}

    inputs = [*_TEXTS, tf.TensorSpec([None], tf.int64, "fold")]
    _save(module, predict, inputs, folder)


def save_pictures(pictures: PictureBranch, text: TextBranch, folder: str) -> None:
    """Save all K picture members as one SavedModel.

    The signature takes vectors, float16 (n, D), ids, weights, splits (`schemas.tensors.TextBatch`) and fold, int64
    (n,). It returns `image` and `head`, float32 (n, C), each row's log-probabilities from its fold's member.
    """
    module = _Module(text.encoder, pictures.model)

    def predict(vectors: Tensor, ids: Tensor, weights: Tensor, splits: Tensor, fold: Tensor) -> dict[str, Tensor]:
        texts = module.model.project(*module.encoder(ids, weights, splits), tf.size(fold))
        logits = module.model(vectors, texts, training=False)
        own = {name: tf.gather(each, fold, axis=1, batch_dims=1) for name, each in logits.items()}
        return {name: tf.nn.log_softmax(each) for name, each in own.items()}

    inputs = [
        tf.TensorSpec([None, len(pictures.model.mean)], tf.float16, "vectors"),
        *_TEXTS,
        tf.TensorSpec([None], tf.int64, "fold"),
    ]
    _save(module, predict, inputs, folder)


def _save(module: _Module, predict: Callable[..., dict[str, Tensor]], inputs: list[Tensor], folder: str) -> None:
    signature = tf.function(predict, input_signature=inputs)
    tf.saved_model.save(module, folder, signatures={"serving_default": signature})
