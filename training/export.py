"""Trained members -> SavedModels that need no training code: hashed features and pixels in, log-probabilities out."""

from __future__ import annotations

from typing import Any

from training.fused_branch import FusedBranch
from training.text_branch import TextBranch


def save_text(text: TextBranch, folder: str) -> None:
    """Save all K text members as one SavedModel.

    Its signature takes ids, weights, splits (`schemas.tensors.TextBatch`) and fold, int64 (n,), and gives
    `log_probabilities`, float32 (n, C), of each row by its fold's member, and `known`, int64 (n,), how many
    of its features the vocabulary holds.
    """
    import tensorflow as tf

    class TextJudge(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="text")
            self.encoder, self.model = text.encoder, text.model

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, "ids"),
                tf.TensorSpec([None], tf.float32, "weights"),
                tf.TensorSpec([None], tf.int64, "splits"),
                tf.TensorSpec([None], tf.int64, "fold"),
            ]
        )
        def judge(self, ids: Any, weights: Any, splits: Any, fold: Any) -> dict[str, Any]:
            indices, values = self.encoder(ids, weights, splits)
            logits = tf.gather(self.model(indices, values, tf.size(fold)), fold, axis=1, batch_dims=1)
            known = tf.math.unsorted_segment_sum(tf.ones_like(indices[:, 0]), indices[:, 0], tf.size(fold))
            return {"log_probabilities": tf.nn.log_softmax(logits), "known": known}

    module = TextJudge()
    tf.saved_model.save(module, folder, signatures={"serving_default": module.judge})


def save_fused(fused: FusedBranch, text: TextBranch, folder: str) -> None:
    """Save a fused member as a SavedModel.

    Its signature takes pixels, uint8 (n, h, w, 3), ids, weights and splits, and gives `image` and `head`,
    float32 (n, C) log-probabilities.
    """
    import tensorflow as tf

    shape = list(fused.model.trunk.input_shape[1:])

    class FusedJudge(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="fused")
            self.encoder, self.model = text.encoder, fused.model

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, *shape], tf.uint8, "pixels"),
                tf.TensorSpec([None], tf.int64, "ids"),
                tf.TensorSpec([None], tf.float32, "weights"),
                tf.TensorSpec([None], tf.int64, "splits"),
            ]
        )
        def judge(self, pixels: Any, ids: Any, weights: Any, splits: Any) -> dict[str, Any]:
            indices, values = self.encoder(ids, weights, splits)
            image, head = self.model(pixels, indices, values, False)
            return {"image": tf.nn.log_softmax(image), "head": tf.nn.log_softmax(head)}

    module = FusedJudge()
    tf.saved_model.save(module, folder, signatures={"serving_default": module.judge})
