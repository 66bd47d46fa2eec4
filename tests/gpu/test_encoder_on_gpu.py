"""The picture encoder on a GPU. Skipped where TensorFlow sees none (docs/stack.md says how to install it for GPUs)."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.encoders.efficientnet_lite import build_efficientnet_lite0
from udfs.encoders.files import weights_path
from udfs.encoders.picture_encoder import load_encoder, read_weights
from udfs.encoders.spec import EFFICIENTNET_LITE0
from udfs.tf_runtime import import_tensorflow

pytestmark = pytest.mark.gpu
_SIZE = 160


@pytest.fixture(scope="module", autouse=True)
def _gpu() -> None:
    if not import_tensorflow(1).config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees no GPU")


def test_vectors_on_a_gpu_agree_with_those_on_the_processor() -> None:
    tf = import_tensorflow(1)
    pictures = np.random.default_rng(4).integers(0, 256, (64, _SIZE, _SIZE, 3), np.uint8)
    by_gpu = load_encoder(EFFICIENTNET_LITE0, _SIZE, 1).encode(pictures).astype(np.float64)
    with tf.device("/CPU:0"):
        model = build_efficientnet_lite0(tf, read_weights(weights_path()), _SIZE)
        by_processor = model(pictures, training=False).numpy().astype(np.float64)
    similarity = (by_gpu * by_processor).sum(axis=1)
    similarity /= np.linalg.norm(by_gpu, axis=1) * np.linalg.norm(by_processor, axis=1)
    assert similarity.min() > 0.999
    # A vector must not depend on the batch, even though the arithmetic is of 16 bits.
    alone = load_encoder(EFFICIENTNET_LITE0, _SIZE, 1).encode(pictures[:1]).astype(np.float64)
    assert alone[0] == pytest.approx(by_gpu[0], abs=0.02)
