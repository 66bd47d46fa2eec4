"""How an encoder computes on processors and GPUs; no GPU is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.encoders.compute import Compute, choose_compute, within_memory
from udfs.encoders.efficientnet_lite import build_efficientnet_lite0
from udfs.encoders.files import weights_path
from udfs.encoders.picture_encoder import PictureEncoder, read_weights
from udfs.encoders.spec import EncoderSpec
from udfs.tf_runtime import import_tensorflow


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [
        ([], Compute("float32", 1 << 20)),
        ([(9, 0)], Compute("mixed_float16", 1 << 23)),
        ([(7, 0), (8, 6)], Compute("mixed_float16", 1 << 23)),
        ([(9, 0), (6, 1)], Compute("float32", 1 << 23)),
        ([None], Compute("float32", 1 << 23)),
    ],
)
def test_gpus_with_tensor_cores_compute_in_16_bits(capabilities: list[tuple[int, int] | None], chosen: Compute) -> None:
    assert choose_compute(capabilities) == chosen


def test_vectors_of_16_bits_agree_with_those_of_32() -> None:
    tf = import_tensorflow(1)
    weights = read_weights(weights_path())
    pictures = np.random.default_rng(4).integers(0, 256, (2, 64, 64, 3), np.uint8)
    exact, fast = (
        build_efficientnet_lite0(tf, weights, 64, policy)(pictures).numpy() for policy in ("float32", "mixed_float16")
    )
    assert exact.dtype == fast.dtype == np.float32
    assert not np.array_equal(exact, fast), "the policy has an effect"
    similarity = (exact * fast).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(fast, axis=1)
    assert similarity.min() > 0.999


def test_a_batch_is_halved_until_it_fits_the_memory() -> None:
    tf = import_tensorflow(1)
    sizes: list[int] = []

    def network(pixels: NDArray[Any]) -> NDArray[Any]:
        sizes.append(len(pixels))
        if len(pixels) > most:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return pixels[:, 0, 0, :].astype(np.float32)

    most = 3
    pictures = np.arange(10 * 32 * 32 * 3, dtype=np.uint32).reshape(10, 32, 32, 3).astype(np.uint8)
    encoder = PictureEncoder(EncoderSpec("tiny", 1, "0" * 64, 32, 3), within_memory(tf, network), 8 * 32**2)
    assert np.array_equal(encoder.encode(pictures), pictures[:, 0, 0, :])
    assert sizes == [8, 4, 2, 2, 4, 2, 2, 2], "batches of at most 8, then halves"
    most = 0
    with pytest.raises(tf.errors.ResourceExhaustedError):
        encoder.encode(pictures)
