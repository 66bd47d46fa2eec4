"""How an encoder computes on the devices that TensorFlow sees: precision, size of a batch, and too little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.encoders.local_network import Encode, Pixels

_TENSOR_CORES = (7, 0)
"""The least compute capability with fast arithmetic in 16 bits."""


@dataclass(frozen=True)
class Compute:
    """How the default encoder computes.

    Attributes:
        policy: Keras's policy of its layers. `mixed_float16` computes in 16 bits and keeps weights in 32.
        batch_pixels: pixels that go through the network at once, whatever the size of the input. Each needs about
            210 bytes, or half of it in 16 bits.
    """

    policy: str
    batch_pixels: int


ON_PROCESSOR = Compute("float32", 1 << 20)


def choose_compute(capabilities: Sequence[tuple[int, int] | None]) -> Compute:
    """Choose precision and batches.

    Args:
        capabilities: compute capability of each GPU that this task may use; None where it is unknown.

    Returns:
        Without a GPU `ON_PROCESSOR`. On GPUs batches are eight times as large, which takes 1 or 2 GB, and if all GPUs
        have tensor cores, the network computes in 16 bits.
    """
    if not capabilities:
        return ON_PROCESSOR
    fast = all(each is not None and each >= _TENSOR_CORES for each in capabilities)
    return Compute("mixed_float16" if fast else "float32", 8 * ON_PROCESSOR.batch_pixels)


def find_compute(tf: ModuleType) -> Compute:
    """`choose_compute` for the GPUs that TensorFlow sees."""
    config = tf.config
    details = [config.experimental.get_device_details(gpu) for gpu in config.list_physical_devices("GPU")]
    return choose_compute([each.get("compute_capability") for each in details])


def within_memory(tf: ModuleType, network: Encode) -> Encode:
    """A network that halves a batch if the device has too little memory for it, for example beside other tasks."""

    def encode(pixels: Pixels) -> NDArray[Any]:
        try:
            return network(pixels)
        except tf.errors.ResourceExhaustedError:
            if len(pixels) == 1:
                raise
            half = len(pixels) // 2
            return np.concatenate([encode(pixels[:half]), encode(pixels[half:])])

    return encode
