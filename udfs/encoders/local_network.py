"""A network from a local file that takes the default encoder's place: a Keras model or a SavedModel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from schemas.tensors import CHANNELS
from udfs.tf_runtime import import_tensorflow, load_network

Pixels: TypeAlias = NDArray[np.uint8]
Encode = Callable[[Pixels], NDArray[Any]]
"""RGB pixels, 0 to 255, shape (n, size, size, 3) -> vectors, shape (n, D)."""

_RULE = (
    "It must be a file that Keras saved (NAME.keras) or a folder with a TensorFlow SavedModel, and it must take one "
    "input, RGB pixels from 0 to 255 of shape (n, size, size, 3), and give one output, finite numbers of shape (n, D)"
)


def load_local(path: Path, size: int, threads: int) -> tuple[Encode, int]:
    """Load a network and run it on two pictures, which tells the length of its vectors.

    Args:
        path: a `.keras` file or a SavedModel's folder.
        size: side of the square input, in pixels.
        threads: CPU cores that this process may use.

    Raises:
        UsageError: it is not such a network, or not for pictures of this size.
    """
    if path.suffix == ".keras":
        load = _load_keras
    elif (path / "saved_model.pb").is_file():
        load = _load_saved_model
    else:
        raise UsageError(f"the encoder {path} is neither a Keras model nor a SavedModel. {_RULE}.")
    try:
        network = load(path, size, threads)
        vectors = network(np.zeros((2, size, size, CHANNELS), np.uint8))
    except Exception as error:  # TensorFlow raises many types for wrong files and wrong shapes
        raise UsageError(f"the encoder {path} cannot encode pictures of {size} pixels: {error}. {_RULE}.") from error
    if vectors.ndim != 2 or len(vectors) != 2 or not np.isfinite(vectors).all():
        raise UsageError(f"the encoder {path} gives {vectors.shape} for two pictures. {_RULE}.")
    return network, int(vectors.shape[1])


def _load_keras(path: Path, size: int, threads: int) -> Encode:
    tf = import_tensorflow(threads)
    # Safe mode refuses layers that hold Python code.
    model = tf.keras.models.load_model(path, compile=False, safe_mode=True)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs")
    taken = model.inputs[0]
    _check_size(taken.shape, size)
    call = tf.function(lambda pixels: model(pixels, training=False), reduce_retracing=True)

    def encode(pixels: Pixels) -> NDArray[Any]:
        return np.asarray(call(tf.cast(pixels, taken.dtype)).numpy())

    return encode


def _load_saved_model(path: Path, size: int, threads: int) -> Encode:
    network, inputs = load_network(str(path), threads)
    if len(inputs) != 1:
        raise ValueError(f"it takes the inputs {sorted(inputs)}")
    ((name, spec),) = inputs.items()
    _check_size(spec.shape, size)

    def encode(pixels: Pixels) -> NDArray[Any]:
        outputs = network(**{name: pixels.astype(spec.dtype.as_numpy_dtype)})
        if len(outputs) != 1:
            raise ValueError(f"it gives the outputs {sorted(outputs)}")
        return np.asarray(next(iter(outputs.values())))

    return encode


def _check_size(shape: Any, size: int) -> None:
    """A SavedModel runs on pictures of other sizes than it declares, without an error."""
    if not shape.is_compatible_with((None, size, size, CHANNELS)):
        raise ValueError(f"it takes pixels of shape {shape}")
