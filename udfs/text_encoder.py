"""An optional pretrained text encoder, which maps each text to a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from schemas.arrays import Floats32
from schemas.errors import UsageError
from udfs.tf_runtime import load_network

Encode = Callable[[Sequence[str]], Floats32]
"""n texts -> vectors, shape (n, D)."""

_RULE = (
    "It must be a TensorFlow SavedModel whose serving signature takes one input, strings of shape (n,), and returns "
    "one output, numbers of shape (n, D)"
)


def check_encoder(folder: str) -> None:
    """Check that a folder contains a SavedModel, without loading it.

    Raises:
        UsageError: the folder contains no SavedModel.
    """
    if not (Path(folder) / "saved_model.pb").is_file():
        raise UsageError(f"text.encoder={folder} contains no saved_model.pb. {_RULE}, in a folder on every node.")


@cache
def load_encoder(folder: str, threads: int) -> Encode:
    """Load an encoder, once per process.

    Args:
        folder: a SavedModel.
        threads: CPU cores that this process may use.

    Raises:
        UsageError: its input or output is not as required.
    """
    network, inputs = load_network(folder, threads)
    if len(inputs) != 1:
        raise UsageError(f"the text encoder {folder} takes {sorted(inputs)}. {_RULE}.")
    name = next(iter(inputs))

    def encode(texts: Sequence[str]) -> Floats32:
        outputs = network(**{name: np.array([text.encode() for text in texts], object)})
        vectors = next(iter(outputs.values()))
        if len(outputs) != 1 or vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise UsageError(f"the text encoder {folder} returned {outputs} for {len(texts)} texts. {_RULE}, finite.")
        return np.asarray(vectors, np.float32)

    return encode
