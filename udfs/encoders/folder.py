"""An encoder as one self-contained folder: the form in which it is sent to executors and stored in a bundle."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

from schemas.errors import UsageError
from udfs.encoders.efficientnet_lite import WIDTH
from udfs.encoders.files import weights_path
from udfs.encoders.picture_encoder import PictureEncoder, load_encoder, local_path, read_weights
from udfs.encoders.spec import EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, WEIGHTS_FILE, EncoderSpec

_SPEC_FILE = "encoder.json"


def write_encoder(folder: Path, encoder: str, size: int, weights: Path | None = None) -> EncoderSpec:
    """Copy an encoder's weights and specification into a new folder.

    Args:
        folder: replaced if it exists.
        encoder, size, weights: as in `udfs.encoders.picture_encoder.load_encoder`.

    Raises:
        UsageError: as `load_encoder` does.
    """
    spec = encoder_spec(encoder, size, weights)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if encoder == EFFICIENTNET_LITE0:
        shutil.copyfile(weights or weights_path(), folder / WEIGHTS_FILE)
    else:
        source = local_path(encoder)
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / source.name)
    (folder / _SPEC_FILE).write_text(json.dumps(dataclasses.asdict(spec), indent=1), encoding="utf-8")
    return spec


def encoder_spec(encoder: str, size: int, weights: Path | None = None) -> EncoderSpec:
    """The specification of an encoder; arguments and errors as in `udfs.encoders.picture_encoder.load_encoder`."""
    if encoder == EFFICIENTNET_LITE0:  # without TensorFlow, which only a local network needs here
        read_weights(weights or weights_path())
        return EncoderSpec(encoder, VERSION, WEIGHTS_DIGEST, size, WIDTH)
    return load_encoder(encoder, size, 1).spec


def read_encoder_spec(folder: Path) -> EncoderSpec:
    """Read the specification of the encoder in a folder that `write_encoder` has made."""
    return EncoderSpec(**json.loads((folder / _SPEC_FILE).read_text(encoding="utf-8")))


def open_encoder(folder: Path, threads: int) -> PictureEncoder:
    """Load the encoder of a folder that `write_encoder` has made, once per process.

    Args:
        folder: the folder.
        threads: CPU cores that this process may use.

    Raises:
        UsageError: the files are not those of the specification.
    """
    spec = read_encoder_spec(folder)
    if spec.name == EFFICIENTNET_LITE0:
        opened = load_encoder(spec.name, spec.size, threads, folder / WEIGHTS_FILE)
    else:
        [network] = (each for each in folder.iterdir() if each.name != _SPEC_FILE)
        opened = load_encoder(str(network), spec.size, threads)
    if opened.spec != spec:
        raise UsageError(
            f"{folder} holds the encoder {opened.spec.identity}, but is said to hold {spec.identity}: "
            "train a new model."
        )
    return opened
