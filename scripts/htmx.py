"""Downloads htmx's npm package once, checks its SHA-512, and keeps script and licence beside the review page."""

from __future__ import annotations

import hashlib
import os
import tarfile
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

from scripts.console import ROOT, SetupError, UnavailableError, step

VERSION = "2.0.8"
_SHA512 = (
    "7e6dbdee2aeed225ac349941ae3bed37b57dce36b177eebd3aa8e1e05fd5abd5b08b69058ac2dcacb0a2bf9a015f428b7ce5ffcc6f00528f5138"
    "c5395d4078e1"
)
_PACKAGE = f"htmx.org-{VERSION}.tgz"
_KEPT = {"package/dist/htmx.min.js": "htmx.min.js", "package/LICENSE": "htmx.LICENSE.txt"}
"""File in the package -> its name in the page's folder."""
FOLDER = ROOT / "jobs" / "reviewing" / "static"


def missing(cache: Path, folder: Path = FOLDER) -> bool:
    """Whether a file is missing, or differs from that of the package in the cache."""
    package = cache / _PACKAGE
    try:
        files = _files(package.read_bytes())
        return any((folder / name).read_bytes() != content for name, content in files.items())
    except (OSError, SetupError):
        return True


def fetch(cache: Path, folder: Path = FOLDER) -> None:
    """Download the package unless the cache has it, and write its files.

    Args:
        cache: keeps the package. If it is placed there by hand, nothing is downloaded.
        folder: gets the files.

    Raises:
        UnavailableError: the package cannot be downloaded.
        SetupError: its checksum differs from the recorded one.
    """
    with step(f"htmx {VERSION}"):
        package = cache / _PACKAGE
        if not package.is_file():
            content = _download()
            _files(content)
            cache.mkdir(parents=True, exist_ok=True)
            partial = package.with_suffix(".tmp")
            partial.write_bytes(content)
            partial.replace(package)
        for name, content in _files(package.read_bytes()).items():
            (folder / name).write_bytes(content)


def _download() -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY")
    address = f"{(registry or 'https://registry.npmjs.org').rstrip('/')}/htmx.org/-/{_PACKAGE}"
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise UnavailableError(
            f"{address} could not be downloaded ({error}): place this file in the folder htmx of the cache, or name "
            "another registry in NPM_CONFIG_REGISTRY, then run `make setup` again."
        ) from error
    return content


def _files(package: bytes) -> dict[str, bytes]:
    """The kept files of the package, by their names in the page's folder.

    Raises:
        SetupError: its checksum differs from the recorded one.
    """
    digest = hashlib.sha512(package).hexdigest()
    if digest != _SHA512:
        raise SetupError(
            f"the SHA-512 of {_PACKAGE} is {digest}, but scripts/htmx.py records {_SHA512}. If the version has "
            "changed, record the new checksum there; if not, do not trust the download, and remove it from the cache."
        )
    with tarfile.open(fileobj=BytesIO(package)) as archive:
        return {kept: archive.extractfile(name).read() for name, kept in _KEPT.items()}  # type: ignore[union-attr]
