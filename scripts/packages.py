"""Installs a hashed lock into a virtual environment, and finds missing or damaged packages in one."""

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

# uv does not read pip's configuration, which may contain the package index, proxy certificates and so on.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


def usable(folder: Path) -> bool:
    """Whether the environment can be repaired: it was made in this folder by this Python, and its pip starts."""
    config = folder / "pyvenv.cfg"
    if not config.is_file():
        return False
    text = config.read_text(encoding="utf-8")
    made_here = text.rstrip().endswith(f" {folder}") and f"version = {_version()}" in text
    return made_here and _succeeds(folder / "bin" / "python", "-m", "pip", "--version")


def create(folder: Path) -> None:
    """Create an empty environment; an existing one is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", folder])


def install_uv(folder: Path) -> None:
    """Install uv into the environment; it installs the other packages in seconds."""
    pip(folder, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", BOOTSTRAP)


def sync(folder: Path, lock: Path) -> None:
    """Install exactly the packages of the lock; hashes are checked."""
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
    """Package -> version in a lock."""
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {_normal(name): version for name, version in pairs}


def problems(folder: Path, wanted: dict[str, str]) -> list[str]:
    """The problems of an environment; empty if every wanted package is installed with all its files.

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
        found += [f"{name}: {problem}" for problem in _damaged(site, distribution)]
    for name, version in wanted.items():
        if installed.get(name) != version:
            found.append(f"{name}: expected {version}, installed {installed.get(name, 'none')}")
    return found


def _uv_variables(folder: Path) -> dict[str, str]:
    """Pip's configuration as uv's variables; variables that are already set win."""
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
                yield f"{path} has {actual} bytes instead of {size}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
