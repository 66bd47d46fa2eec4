"""Who started a run, and with which program, packages and settings: the columns of `runs` that an audit reads."""

from __future__ import annotations

import dataclasses
import getpass
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from conf.settings import Settings

_NAME = "catalog-cleaner"
_PACKAGES = (
    "pyspark",
    "delta-spark",
    "tensorflow-cpu",
    "tensorflow",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "pillow",
    "mlflow",
)
"""Packages on whose versions results may depend."""
_ROOT = Path(__file__).resolve().parents[2]
_SECRET = re.compile(r"secret|password|passwd|token|credential|access[._]?key|account[._]?key", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
_HIDDEN = "***"


@dataclass(frozen=True)
class Provenance:
    """Where a run comes from.

    Attributes:
        started_by: user and host.
        program: name and version; with the commit, if it runs from a checkout.
        packages: package -> version.
        settings: JSON of the settings that differ from the defaults, by section; secrets are replaced by `***`.
    """

    started_by: str
    program: str
    packages: Mapping[str, str]
    settings: str


def find_provenance(settings: Settings) -> Provenance:
    """The provenance of a run that starts now in this process."""
    return Provenance(
        started_by=started_by(),
        program=find_program(),
        packages={name: version for name in _PACKAGES if (version := _version(name)) is not None},
        settings=json.dumps(changed_settings(settings), sort_keys=True),
    )


def started_by() -> str:
    """The user of this process, and the host."""
    return f"{_user()}@{socket.gethostname()}"


def changed_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings that differ from the defaults: section -> name -> value, without secrets."""
    given, defaults = dataclasses.asdict(settings), dataclasses.asdict(Settings())
    changed = {
        section: {
            name: _without_secrets(name, value) for name, value in values.items() if value != defaults[section][name]
        }
        for section, values in given.items()
    }
    return {section: values for section, values in changed.items() if values}


def _without_secrets(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever the settings' types are
    if isinstance(value, dict):
        return {key: _without_secrets(key, each) for key, each in value.items()}
    if _SECRET.search(name):
        return _HIDDEN
    return _USER_INFO.sub(f"{_HIDDEN}@", value) if isinstance(value, str) else value


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no entry for its user
        return "unknown"


def find_program() -> str:
    """Name and version of this program; with the commit, if it runs from a checkout."""
    version, commit = _version(_NAME) or "from a checkout", find_commit(_ROOT / ".git")
    return f"{_NAME} {version}" + (f", commit {commit}" if commit else "")


def find_commit(git: Path) -> str | None:
    """The commit that is checked out, 12 digits; None outside a checkout. A worktree's `.git` is a file.

    Args:
        git: the folder or file `.git`.
    """
    try:
        if git.is_file():
            git = (git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head[:12]
        ref = head.removeprefix("ref: ")
        common = git / "commondir"
        shared = (git / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else git
        if (shared / ref).is_file():
            return (shared / ref).read_text(encoding="utf-8").strip()[:12]
        packed = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0][:12] for line in packed if line.endswith(f" {ref}")), None)
    except OSError:
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
