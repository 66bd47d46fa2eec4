"""Reads a PyTorch checkpoint without PyTorch, and without running anything that the file asks for.

A checkpoint is a pickle, and a pickle can call any function when it is loaded. This reader lets through ordered
dictionaries and tensors, and refuses everything else.

It reads the format before PyTorch 1.6. Such a file begins with five pickles: a magic number, the format's version, the
writer's byte order, the object (its tensors refer to storages by key), and the storages' keys. For each key, the number
of elements (8 bytes) and the elements follow.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_DTYPES = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8"}


class CheckpointError(Exception):
    """Raised when a file is not a checkpoint that this module reads."""


@dataclass(frozen=True)
class _StorageType:
    """Stands for a class such as `torch.FloatStorage`."""

    dtype: str


@dataclass
class _Storage:
    """The elements that tensors refer to; they follow after the pickles."""

    dtype: str
    count: int
    values: NDArray[Any] | None = field(default=None)


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """A copy of the tensor's elements, after its storage has been read."""
        values = self.storage.values
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if values is None or min((self.offset, *self.strides), default=0) < 0 or last >= len(values):
            raise CheckpointError(f"a tensor of shape {self.shape} lies outside its storage")
        strides = [step * values.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)
        return view.copy()


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a checkpoint: name -> array.

    Raises:
        CheckpointError: the file is in another format, is damaged, or holds anything but named tensors.
    """
    with path.open("rb") as file:
        try:
            return _read(file)
        except CheckpointError:
            raise
        except Exception as error:  # a damaged pickle raises anything at all
            raise CheckpointError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    storages: dict[str, _Storage] = {}
    if (_unpickle(file, storages), _unpickle(file, storages)) != (_MAGIC, _VERSION):
        raise CheckpointError("not a checkpoint in PyTorch's format before 1.6")
    if _unpickle(file, storages).get("little_endian") is not True:
        raise CheckpointError("the checkpoint was written in another byte order")
    tensors, keys = _unpickle(file, storages), _unpickle(file, storages)
    if sorted(keys) != sorted(storages):
        raise CheckpointError("the checkpoint holds other storages than its tensors refer to")
    for key in keys:
        _fill(storages[key], file)
    if not isinstance(tensors, OrderedDict) or not all(isinstance(each, _Tensor) for each in tensors.values()):
        raise CheckpointError("the checkpoint holds something else than named tensors")
    return {str(name): tensor.array() for name, tensor in tensors.items()}


def _fill(storage: _Storage, file: BinaryIO) -> None:
    (count,) = struct.unpack("<q", file.read(8))
    size = storage.count * np.dtype(storage.dtype).itemsize
    content = file.read(size)
    if count != storage.count or len(content) != size:
        raise CheckpointError("the checkpoint is cut off")
    storage.values = np.frombuffer(content, storage.dtype)


def _unpickle(file: BinaryIO, storages: dict[str, _Storage]) -> Any:  # noqa: ANN401 - whatever the pickle holds
    return _Unpickler(file, storages).load()


class _Unpickler(pickle.Unpickler):
    """Rebuilds ordered dictionaries and tensors."""

    def __init__(self, file: BinaryIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        raise _refusal(f"{module}.{name}")

    def persistent_load(self, pid: tuple[Any, ...]) -> _Storage:
        kind, storage_type, key, _, count, view = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType) or view is not None:
            raise _refusal(f"a reference to {pid}")
        return self._storages.setdefault(key, _Storage(storage_type.dtype, count))


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    """Replace `torch._utils._rebuild_tensor_v2`; its other arguments matter for training alone."""
    return _Tensor(storage, offset, shape, strides)


def _refusal(what: str) -> CheckpointError:
    return CheckpointError(f"the checkpoint asks for {what}: only ordered dictionaries and tensors are read")
