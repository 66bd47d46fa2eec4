"""Access the files of this project's packages, also when they are imported from a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

PACKAGES = ("schemas", "conf", "udfs", "training")


def zip_project(path: Path) -> str:
    """Write the packages that a training rank imports to a zip file, and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            for name, content in _files(resources.files(package), package):
                archive.writestr(name, content)
    return str(path)


def copy_package(package: str, folder: Path) -> str:
    """Copy a package's files below `folder`, and return the path of the copy."""
    for name, content in _files(resources.files(package), package):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder / package)


def _files(item: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    if item.is_file():
        yield name, item.read_bytes()
        return
    for child in item.iterdir():
        if child.name != "__pycache__":
            yield from _files(child, f"{name}/{child.name}")
