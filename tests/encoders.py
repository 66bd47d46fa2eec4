"""Small encoders of texts and pictures for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from udfs.tf_runtime import import_tensorflow


def save_encoder(folder: Path, *, flat: bool = False) -> str:
    """Save an encoder that one-hot encodes a text's length modulo 3; `flat`: as a number, an invalid shape."""
    tf = import_tensorflow(1)

    def encode(texts: Any) -> dict[str, Any]:  # noqa: ANN401 - TensorFlow ships no types
        length = tf.strings.length(texts) % 3
        return {"outputs": tf.cast(length, tf.float32) if flat else tf.one_hot(length, 3)}

    module = tf.Module()
    signature = tf.function(encode, input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": signature})
    return str(folder)


def save_picture_encoder(path: Path, size: int) -> str:
    """Save a Keras model that gives the mean colour of a picture: three numbers from 0 to 255."""
    tf = import_tensorflow(1)
    pixels = tf.keras.Input((size, size, 3))
    tf.keras.Model(pixels, tf.keras.layers.GlobalAveragePooling2D()(pixels)).save(path)
    return str(path)
