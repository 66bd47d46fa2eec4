"""YAML profile + overrides -> `Settings`, with every error at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from conf.settings import Settings


class SettingsError(ValueError):
    """Raised when a profile or an override cannot be used; the message lists every fault and the way out."""


def load_settings(profile: str = "local", overrides: Iterable[str] = ()) -> Settings:
    """Read a profile and lay overrides over it.

    Args:
        profile: a profile of ours (local, test, cluster) or the path of a YAML file.
        overrides: `section.key=value`, the value in YAML: `train.ranks=4`, `ingest.columns={title: name}`.

    Raises:
        SettingsError: the profile is not there, an override is malformed, a key is unknown or a value is out of range.
    """
    values = _read_profile(profile)
    faults: list[str] = []
    for override in overrides:
        _apply(values, override, faults)
    try:
        settings = TypeAdapter(Settings).validate_python(values)
    except ValidationError as error:
        faults += [_describe(fault) for fault in error.errors()]
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"the settings cannot be used:\n{lines}\nEvery setting and its meaning: conf/settings.py.")
    return settings


def _read_profile(profile: str) -> dict[str, Any]:
    shipped = {p.name.removesuffix(".yaml"): p for p in resources.files("conf").iterdir() if p.name.endswith(".yaml")}
    if profile in shipped:
        text = shipped[profile].read_text(encoding="utf-8")
    elif profile.endswith((".yaml", ".yml")) and Path(profile).is_file():
        text = Path(profile).read_text(encoding="utf-8")
    else:
        raise SettingsError(
            f"no profile {profile!r}: name one of {', '.join(sorted(shipped))}, or the path of a .yaml file."
        )
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"profile {profile!r} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"profile {profile!r} must be a mapping of sections, not a {type(values).__name__}.")
    return values


def _apply(values: dict[str, Any], override: str, faults: list[str]) -> None:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        faults.append(f"{override!r}: write --set section.key=value, e.g. --set train.ranks=4")
        return
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        faults.append(f"{override!r}: the value is not valid YAML")
        return
    node: Any = values
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            faults.append(f"{override!r}: {key} is not a section")
            return
    node[keys[-1]] = value


def _describe(fault: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "unexpected_keyword_argument":
        return f"{where}: no such setting"
    return f"{where} = {fault['input']!r}: {fault['msg'].lower()}"
