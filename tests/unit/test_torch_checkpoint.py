"""The checkpoint reader rebuilds tensors, and runs nothing that a file asks for."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.convert_encoder import folded
from scripts.torch_checkpoint import CheckpointError, read_checkpoint

_MAGIC = 0x1950A86A20F9469CFC6C


class Tensor:
    """Pickled as PyTorch pickles a tensor."""

    def __init__(self, array: NDArray[np.float32], strides: tuple[int, ...] | None = None, offset: int = 0) -> None:
        self.values = array.ravel()
        self.layout = (offset, array.shape, strides or tuple(step // 4 for step in array.strides))


class Storage:
    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values


class Writer(pickle.Pickler):
    """Writes what PyTorch before 1.6 wrote."""

    def persistent_id(self, obj: object) -> object:
        if isinstance(obj, Storage):
            return ("storage", sys.modules["torch"].FloatStorage, str(id(obj.values)), "cpu", len(obj.values), None)
        return None

    def reducer_override(self, obj: object) -> Any:  # noqa: ANN401 - as pickle declares it, in a long union
        if isinstance(obj, Tensor):
            arguments: tuple[object, ...] = (Storage(obj.values), *obj.layout, False, OrderedDict())
            return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments
        return NotImplemented


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")

    class FloatStorage:
        pass

    def _rebuild_tensor_v2() -> None:
        pass

    for module, each in ((torch, FloatStorage), (utils, _rebuild_tensor_v2)):
        each.__module__, each.__qualname__ = module.__name__, each.__name__
        setattr(module, each.__name__, each)
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def to_file(content: object, magic: object = _MAGIC, little_endian: bool = True) -> Path:
        stream = io.BytesIO()
        tensors = list(content.values()) if isinstance(content, dict) else []
        storages = {str(id(each.values)): each.values for each in tensors if isinstance(each, Tensor)}
        for value in (magic, 1001, {"little_endian": little_endian}, content, list(storages)):
            Writer(stream, protocol=2).dump(value)
        for values in storages.values():
            stream.write(struct.pack("<q", len(values)) + values.tobytes())
        path = tmp_path / "checkpoint.pth"
        path.write_bytes(stream.getvalue())
        return path

    return to_file


class Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_tensors_are_read_in_any_memory_layout(write: Callable[..., Path]) -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    turned = Tensor(np.arange(6, dtype=np.float32).reshape(2, 3), strides=(1, 2))
    read = read_checkpoint(write(OrderedDict(plain=Tensor(plain), turned=turned, one=Tensor(np.ones((), np.float32)))))
    assert read["plain"].tolist() == plain.tolist()
    assert read["turned"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert read["one"].shape == ()


@pytest.mark.parametrize("place", ["content", "tensors", "magic"])
def test_a_pickle_that_calls_a_function_is_refused_and_the_function_does_not_run(
    write: Callable[..., Path], tmp_path: Path, place: str
) -> None:
    exploit = Exploit(f"touch {tmp_path / 'ran'}")
    path = {
        "content": lambda: write(exploit),
        "tensors": lambda: write(OrderedDict(weight=Tensor(np.zeros(2, np.float32)), more=exploit)),
        "magic": lambda: write(OrderedDict(), magic=exploit),
    }[place]()
    with pytest.raises(CheckpointError, match=r"asks for posix\.system: only ordered dictionaries and tensors"):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(exploit))  # noqa: S301 - the exploit works where nothing refuses it
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("harmless", [print, pickle.Unpickler, np.float32(1.0), Path()])
def test_other_classes_and_functions_are_refused(write: Callable[..., Path], harmless: object) -> None:
    with pytest.raises(CheckpointError, match="only ordered dictionaries and tensors are read"):
        read_checkpoint(write(OrderedDict(weight=harmless)))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"offset": 3}, "outside its storage"),
        ({"strides": (5,)}, "outside its storage"),
        ({"strides": (-1,), "offset": 3}, "outside its storage"),
    ],
)
def test_a_tensor_cannot_read_other_memory(write: Callable[..., Path], layout: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(write(OrderedDict(weight=Tensor(np.zeros(4, np.float32), **layout))))


def test_damaged_and_foreign_files_are_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    content = OrderedDict(weight=Tensor(np.zeros(4, np.float32)))
    whole = write(content).read_bytes()
    for wrong, message in (
        (write(content, magic=1).read_bytes(), "not a checkpoint"),
        (write(content, little_endian=False).read_bytes(), "byte order"),
        (write([1, 2]).read_bytes(), "something else than named tensors"),
        (whole[:-1], "cut off"),
        (whole[:-16], "cut off"),
        (whole[:60], "damaged"),
        (b"PK\x03\x04", "damaged"),
        (b"", "damaged"),
    ):
        path = tmp_path / "wrong.pth"
        path.write_bytes(wrong)
        with pytest.raises(CheckpointError, match=message):
            read_checkpoint(path)


def test_a_folded_convolution_equals_convolution_and_batch_normalisation() -> None:
    random = np.random.default_rng(3)
    tensors = {
        "_blocks.4._project_conv.weight": random.normal(size=(5, 7, 1, 1)).astype(np.float32),
        "_blocks.4._bn2.weight": random.normal(size=5).astype(np.float32),
        "_blocks.4._bn2.bias": random.normal(size=5).astype(np.float32),
        "_blocks.4._bn2.running_mean": random.normal(size=5).astype(np.float32),
        "_blocks.4._bn2.running_var": random.uniform(0.1, 2, 5).astype(np.float32),
        "_fc.weight": np.zeros((2, 5), np.float32),
    }
    arrays = folded(tensors)
    assert {name: array.shape for name, array in arrays.items()} == {
        "blocks.4.project.kernel": (1, 1, 7, 5),
        "blocks.4.project.bias": (5,),
    }
    weight, gamma, beta, mean, variance = list(tensors.values())[:5]
    x = random.normal(size=7)
    expected = (weight[:, :, 0, 0] @ x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    actual = x @ arrays["blocks.4.project.kernel"][0, 0] + arrays["blocks.4.project.bias"]
    assert actual == pytest.approx(expected, rel=1e-5)
