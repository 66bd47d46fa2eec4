"""Makes a virtual environment equal to a hashed lock, and finds what is missing or damaged in one."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from scripts.console import ROOT, run

BOOTSTRAP = ROOT / "requirements" / "bootstrap.txt"

# uv does not read pip's configuration, where people have set their index, proxy certificates and the like.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


def usable(folder: Path) -> bool:
    """Whether the environment can be mended: made at this place by this Python, and its pip starts."""
    config = folder / "pyvenv.cfg"
    if not config.is_file():
        return False
    text = config.read_text(encoding="utf-8")
    made_here = text.rstrip().endswith(f" {folder}") and f"version = {_version()}" in text
    return made_here and _succeeds(folder / "bin" / "python", "-m", "pip", "--version")


def create(folder: Path) -> None:
    """Make an empty environment, in the place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", folder])


def install_uv(folder: Path) -> None:
    """Bring uv, which installs the rest in seconds, into the environment."""
    pip(folder, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", BOOTSTRAP)


def sync(folder: Path, lock: Path) -> None:
    """Make the environment hold exactly what the lock names, every file checked against its hash."""
    uv(folder, "sync", "--require-hashes", lock)


def pip(folder: Path, command: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command of the environment's pip."""
    run([folder / "bin" / "python", "-m", "pip", command, *arguments], env)


def uv(folder: Path, command: str, *arguments: str | Path) -> None:
    """Run a `uv pip` command on the environment, with pip's configuration."""
    run(
        [folder / "bin" / "uv", "pip", command, "--python", folder / "bin" / "python", *arguments],
        env=_uv_variables(folder),
    )


def locked(lock: Path) -> dict[str, str]:
    """Package -> version, as a lock has them."""
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {_normal(name): version for name, version in pairs}


def faults(folder: Path, wanted: dict[str, str]) -> list[str]:
    """What is wrong with an environment; nothing if every wanted package is there with all its files.

    Args:
        folder: the environment.
        wanted: package -> version.
    """
    if not _succeeds(folder / "bin" / "python", "-c", ""):
        return [f"{folder.name}/bin/python does not start"]
    site = folder / "lib" / "python3.11" / "site-packages"
    installed: dict[str, str] = {}
    found: list[str] = []
    for distribution in metadata.distributions(path=[str(site)]):
        name = _normal(distribution.metadata["Name"] or "")
        installed[name] = distribution.version
        found += [f"{name}: {fault}" for fault in _damaged(site, distribution)]
    for name, version in wanted.items():
        if installed.get(name) != version:
            found.append(f"{name}: {version} is wanted, {installed.get(name, 'nothing')} is installed")
    return found


def _uv_variables(folder: Path) -> dict[str, str]:
    """What uv must know of pip's configuration; uv's own variables win."""
    listed = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    variables = {"UV_LINK_MODE": "copy"}  # a file damaged in the environment must not damage uv's cache
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        if name in _PIP_TO_UV:
            variables[_PIP_TO_UV[name]] = " ".join(value.replace("\\n", " ").split())
    return {name: value for name, value in variables.items() if name not in os.environ}


def _damaged(site: Path, distribution: metadata.Distribution) -> Iterator[str]:
    for path, checksum, size in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        if path.endswith(".pyc"):
            continue
        try:
            actual = os.stat(f"{site}/{path}").st_size  # noqa: PTH116  35,000 Path objects would cost a second
        except OSError:
            yield f"{path} is missing"
        else:
            if checksum and size and actual != int(size):
                yield f"{path} has {actual} bytes for {size}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
