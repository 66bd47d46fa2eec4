"""Find and check the encoders' files. Standard library only: `make setup` uses it before NumPy is installed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from udfs.cache_folder import cache_folder
from udfs.encoders.spec import WEIGHTS_FILE

VARIABLE = "CATALOG_CLEANER_ENCODERS"
"""Names the folder of the weights, if it is not the cache."""


def weights_path() -> Path:
    """Where `make setup` keeps the weights of the default encoder."""
    override = os.environ.get(VARIABLE)
    return (Path(override).expanduser() if override else cache_folder() / "encoders") / WEIGHTS_FILE


def arrays_digest(file: Path | BinaryIO) -> str:
    """SHA-256 of the arrays in an .npz file, by name: their types, shapes and values.

    Raises:
        ValueError: the file is damaged.
    """
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                content = archive.read(name)
                digest.update(f"{name} {len(content)}\n".encode() + content)
    except Exception as error:  # a damaged archive raises many types
        raise ValueError(f"{file} is damaged: {error}") from error
    return digest.hexdigest()


def files_digest(path: Path, instead: Mapping[Path, Path] | None = None) -> str:
    """SHA-256 of a file, or of all files in a folder with their relative paths.

    Args:
        path: the file or folder.
        instead: file in the folder -> another file whose content counts in its place.
    """
    contents = instead or {}
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        content = hashlib.sha256(contents.get(file, file).read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(path).as_posix()} {content}\n".encode())
    return digest.hexdigest()
