"""Picture backbones: a small residual network that a CPU trains in minutes, and two Keras applications for GPUs."""

from __future__ import annotations

from typing import Any, TypeAlias

import tensorflow as tf

from schemas.errors import UsageError
from schemas.tensors import CHANNELS

Tensor: TypeAlias = Any
"""TensorFlow ships no types."""

_CHANNELS = (24, 32, 64, 128)
"""Channels of the residual network's stem and blocks."""
_APPLICATIONS = {
    "efficientnetv2-b0": tf.keras.applications.EfficientNetV2B0,
    "mobilenetv3-small": tf.keras.applications.MobileNetV3Small,
}
_layers = tf.keras.layers


def make_backbone(backbone: str, weights: str | None, height: int, width: int, policy: str = "float32") -> Tensor:
    """Make a network that maps RGB in -1..1, shape (n, height, width, 3), to features, shape (n, F).

    Args:
        backbone: "residual", the small network; or the name of a Keras application.
        weights: path of the application's weights without the top layer, as Keras publishes them, on every machine
            that trains; None: random initialisation. The small network always starts at random.
        height, width: in pixels; at least 32 for Keras's applications.
        policy: Keras mixed-precision policy; the weights are always float32.

    Raises:
        UsageError: the file is missing or is for another network, or the pictures are too small.
    """
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        if backbone == "residual":
            return _residual(height, width)
        return _application(backbone, weights, height, width)
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def _application(backbone: str, weights: str | None, height: int, width: int) -> Tensor:
    inputs = _layers.Input((height, width, CHANNELS))
    try:
        network = _APPLICATIONS[backbone](
            include_top=False, weights=weights, input_shape=(height, width, CHANNELS), pooling="avg"
        )
    except (ValueError, OSError) as error:
        raise UsageError(
            f"train.image_backbone={backbone} with train.image_weights={weights} and pictures of {height} x {width}: "
            f"{error}. Give this network's weights without the top layer, and pictures of 32 x 32 or more."
        ) from error
    # Keras applications rescale pixels themselves and expect 0..255.
    return tf.keras.Model(inputs, network(_layers.Rescaling(127.5, offset=127.5)(inputs)), name="backbone")


def _residual(height: int, width: int) -> Tensor:
    """A residual network (He et al., 2016), for any input size."""
    inputs = _layers.Input((height, width, CHANNELS))
    x = _layers.ReLU()(_convolved(inputs, _CHANNELS[0], 3))
    for channels in _CHANNELS[1:]:
        shortcut = _convolved(_layers.AveragePooling2D(2, padding="same")(x), channels, 1)
        x = _convolved(_layers.ReLU()(_convolved(x, channels, 3, 2)), channels, 3)
        x = _layers.ReLU()(_layers.Add()([x, shortcut]))
    return tf.keras.Model(inputs, _layers.GlobalAveragePooling2D()(x), name="backbone")


def _convolved(x: Tensor, channels: int, kernel: int, strides: int = 1) -> Tensor:
    convolution = _layers.Conv2D(
        channels, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return _layers.BatchNormalization(momentum=0.9)(convolution(x))
