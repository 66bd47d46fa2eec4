"""EfficientNet-Lite0 (Tan & Le, 2019; Google's variant for small devices), built in Keras from folded weights.

A batch normalisation follows every convolution. At inference it only multiplies and shifts, so the file of weights has
one kernel and one bias for both (`scripts.convert_encoder`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

WIDTH = 1280
"""Length of the vector of a picture."""

# One line a stage: (repeats, kernel, stride of the first block, expansion, channels).
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32


class _Layers:
    """Makes convolutions with their weights, by the names in the weights' file, and ReLU6."""

    def __init__(self, tf: ModuleType, weights: Mapping[str, NDArray[Any]], policy: str) -> None:
        self._keras, self._weights = tf.keras, weights
        # Vectors must not depend on the policy that a training in this process has set.
        self.policy = {"dtype": policy}

    def convolution(self, x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1) -> Any:
        layer = self._keras.layers.Conv2D(channels, kernel, stride, padding="same", name=name, **self.policy)
        return self._with_weights(layer, x)

    def depthwise(self, x: Any, name: str, kernel: int, stride: int) -> Any:
        layer = self._keras.layers.DepthwiseConv2D(kernel, stride, padding="same", name=name, **self.policy)
        return self.relu6(self._with_weights(layer, x))

    def relu6(self, x: Any) -> Any:
        return self._keras.layers.ReLU(6.0, **self.policy)(x)

    def _with_weights(self, layer: Any, x: Any) -> Any:
        outputs = layer(x)
        layer.set_weights([self._weights[f"{layer.name}.kernel"], self._weights[f"{layer.name}.bias"]])
        return outputs


def build_efficientnet_lite0(
    tf: ModuleType, weights: Mapping[str, NDArray[Any]], size: int, policy: str = "float32"
) -> Any:
    """Build the network as a Keras model.

    Args:
        tf: TensorFlow.
        weights: name -> array, as the weights' file holds them.
        size: side of the square input, in pixels.
        policy: Keras's policy of the layers; the vectors are the means of the last layer's values in 32 bits.

    Returns:
        A model from RGB pixels, 0 to 255, shape (n, size, size, 3), to vectors, float32, shape (n, 1280), 0 to 6.
    """
    make = _Layers(tf, weights, policy)
    inputs = tf.keras.Input((size, size, 3), dtype="uint8")
    x = tf.keras.layers.Rescaling(1 / 128, offset=-127 / 128, **make.policy)(inputs)
    x = make.relu6(make.convolution(x, "stem", _STEM, 3, 2))
    number, channels = 0, _STEM
    for repeats, kernel, first_stride, expansion, outputs in _STAGES:
        for repeat in range(repeats):
            stride, shortcut, block = first_stride if repeat == 0 else 1, x, f"blocks.{number}"
            if expansion > 1:
                x = make.relu6(make.convolution(x, f"{block}.expand", channels * expansion))
            x = make.depthwise(x, f"{block}.depthwise", kernel, stride)
            x = make.convolution(x, f"{block}.project", outputs)
            if stride == 1 and channels == outputs:
                x = tf.keras.layers.Add(**make.policy)([x, shortcut])
            number, channels = number + 1, outputs
    x = make.relu6(make.convolution(x, "head", WIDTH))
    vectors = tf.keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    model = tf.keras.Model(inputs, vectors, name="efficientnet_lite0")
    model.trainable = False
    return model
