"""Load a frozen encoder and encode pictures with it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from schemas.tensors import CHANNELS
from udfs.encoders.compute import ON_PROCESSOR, find_compute, within_memory
from udfs.encoders.efficientnet_lite import WIDTH, build_efficientnet_lite0
from udfs.encoders.files import VARIABLE, arrays_digest, files_digest, weights_path
from udfs.encoders.local_network import Encode, Pixels, load_local
from udfs.encoders.spec import EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, EncoderSpec
from udfs.tf_runtime import import_tensorflow

_MIN_SIZE = 32
"""The networks halve a picture five times."""


class PictureEncoder:
    """A loaded encoder; may be used by several threads."""

    def __init__(self, spec: EncoderSpec, network: Encode, batch_pixels: int = ON_PROCESSOR.batch_pixels) -> None:
        """Use a loaded network; `load_encoder` loads it.

        Args:
            spec: what identifies the encoder.
            network: the network.
            batch_pixels: pixels that go through it at once.
        """
        self.spec = spec
        self._network = network
        self._rows = max(1, batch_pixels // spec.size**2)

    def encode(self, pictures: Pixels) -> NDArray[np.float16]:
        """Encode pictures, in batches.

        Args:
            pictures: RGB, shape (n, size, size, 3), as `udfs.pictures.decode` prepares them with `keep_aspect`.

        Returns:
            Vectors, shape (n, width).

        Raises:
            UsageError: a local network gives numbers that are not finite in 16 bits.
        """
        size = self.spec.size
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (size, size, CHANNELS):
            given = f"{pictures.dtype} of shape {pictures.shape}"
            raise ValueError(f"{self.spec.identity} takes {size} x {size} RGB pixels as uint8, not {given}")
        vectors = np.empty((len(pictures), self.spec.width), np.float16)
        for start in range(0, len(pictures), self._rows):
            batch = slice(start, start + self._rows)
            with np.errstate(over="ignore"):
                vectors[batch] = self._network(pictures[batch])
        if not np.isfinite(vectors).all():
            raise UsageError(f"the encoder {self.spec.identity} gives numbers that are not finite in 16 bits.")
        return vectors


@cache
def load_encoder(encoder: str, size: int, threads: int, weights: Path | None = None) -> PictureEncoder:
    """Load an encoder, once per process.

    Args:
        encoder: `efficientnet_lite0`, or the path of a Keras model or SavedModel; a path contains a slash.
        size: side of the square input, in pixels. Another size is another encoder.
        threads: CPU cores that this process may use.
        weights: the default encoder's weights; None: where `make setup` keeps them.

    Raises:
        UsageError: no encoder has this name; or files are missing, are not the expected ones, have the name of the
            default encoder, or do not fit pictures of this size.
    """
    if size < _MIN_SIZE:
        raise UsageError(f"an encoder's input of {size} pixels is too small: choose {_MIN_SIZE} or more.")
    if encoder == EFFICIENTNET_LITE0:
        return _efficientnet_lite0(size, threads, weights or weights_path())
    path = local_path(encoder)
    network, width = load_local(path, size, threads)
    tf = import_tensorflow(threads)
    spec = EncoderSpec(_name(path), VERSION, files_digest(path), size, width)
    return PictureEncoder(spec, within_memory(tf, network), find_compute(tf).batch_pixels)


def local_path(encoder: str) -> Path:
    """The path of a local network. A path contains a slash; anything else is a name.

    Raises:
        UsageError: it is a name, there is no such file or folder, or it has the name of the default encoder.
    """
    if "/" not in encoder:
        raise UsageError(
            f"there is no encoder with the name {encoder!r}: the only name is {EFFICIENTNET_LITE0}. If it is a file or "
            f"folder, write it with a slash: ./{encoder}"
        )
    path = Path(encoder)
    if not path.exists():
        raise UsageError(f"there is no encoder {encoder}: name {EFFICIENTNET_LITE0}, or an existing file or folder.")
    if _name(path) == EFFICIENTNET_LITE0:
        raise UsageError(f"{encoder} has the name of the default encoder, which is another network: rename it.")
    return path


def _name(path: Path) -> str:
    return path.stem if path.is_file() else path.name


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Read the default encoder's weights: name -> array.

    Raises:
        UsageError: the file is missing, or holds other weights.
    """
    if not path.is_file():
        raise UsageError(f"{path} is missing: run `make setup`, or name the folder of {path.name} in {VARIABLE}.")
    content = io.BytesIO(path.read_bytes())
    try:
        digest = arrays_digest(content)
    except ValueError as error:
        raise UsageError(f"{path} is damaged: run `make setup`, which replaces it.") from error
    if digest != WEIGHTS_DIGEST:
        raise UsageError(
            f"{path} holds the weights {digest}, not {WEIGHTS_DIGEST}, which belong to this version: run `make setup`."
        )
    with np.load(content, allow_pickle=False) as arrays:
        return dict(arrays)


def _efficientnet_lite0(size: int, threads: int, weights: Path) -> PictureEncoder:
    tf = import_tensorflow(threads)
    compute = find_compute(tf)
    model = build_efficientnet_lite0(tf, read_weights(weights), size, compute.policy)
    signature = [tf.TensorSpec((None, size, size, CHANNELS), tf.uint8)]
    call = tf.function(lambda pixels: model(pixels, training=False), input_signature=signature)
    spec = EncoderSpec(EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, size, WIDTH)
    network = within_memory(tf, lambda pixels: np.asarray(call(pixels).numpy()))
    return PictureEncoder(spec, network, compute.batch_pixels)
