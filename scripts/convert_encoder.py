"""Convert a checkpoint of EfficientNet-Lite to plain arrays: `python -m scripts.convert_encoder CHECKPOINT TARGET`.

The set-up runs this in the project's environment, because it needs NumPy (`scripts.picture_encoder`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.torch_checkpoint import read_checkpoint

_EPSILON = 1e-3
"""Of every batch normalisation in EfficientNet."""
# Convolution in the checkpoint -> the batch normalisation that follows it, and its name here.
_CONVOLUTIONS = {
    "_conv_stem": ("_bn0", "stem"),
    "_expand_conv": ("_bn0", "expand"),
    "_depthwise_conv": ("_bn1", "depthwise"),
    "_project_conv": ("_bn2", "project"),
    "_conv_head": ("_bn1", "head"),
}


def folded(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Each convolution with its batch normalisation as one kernel and bias, in Keras's layout; without the classifier.

    Args:
        tensors: PyTorch's names -> arrays; kernels (outputs, inputs, height, width).

    Returns:
        `NAME.kernel`, shape (height, width, inputs, outputs), or (height, width, inputs, 1) if depthwise, and
        `NAME.bias`. NAME is `stem`, `head`, or `expand`, `depthwise` or `project` after `blocks.N.`.
    """
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, weight in tensors.items():
        *block, convolution, _ = name.split(".")
        if convolution not in _CONVOLUTIONS:
            continue
        normalisation, part = _CONVOLUTIONS[convolution]
        gamma, beta, mean, variance = (
            tensors[".".join([*block, normalisation, each])].astype(np.float64)
            for each in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        kernel = weight * scale[:, None, None, None]
        order = (2, 3, 0, 1) if part == "depthwise" else (2, 3, 1, 0)
        target = ".".join([*block, part]).lstrip("_")
        arrays[f"{target}.kernel"] = np.ascontiguousarray(kernel.transpose(order), np.float32)
        arrays[f"{target}.bias"] = (beta - mean * scale).astype(np.float32)
    return arrays


def main() -> None:
    """Convert the file that the command line names."""
    checkpoint, target = map(Path, sys.argv[1:])
    np.savez(target, **folded(read_checkpoint(checkpoint)))


if __name__ == "__main__":
    main()
