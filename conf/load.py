"""Load `Settings` from a YAML profile and overrides, reporting all errors at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from conf.presets import with_preset
from conf.problems import describe
from conf.settings import Settings

_SIGN = re.compile(r"[^\w\s~]|\t")
"""`~` is YAML's null."""


class SettingsError(ValueError):
    """Raised when a profile or an override is invalid; the message lists all errors and how to fix them."""


def load_settings(profile: str = "local", overrides: Iterable[str] = ()) -> Settings:
    """Read a profile and apply overrides to it.

    Args:
        profile: a built-in profile (local, test, cluster) or the path of a YAML file.
        overrides: `section.key=value`, the value in YAML: `train.ranks=4`, `ingest.columns={title: name}`.

    Raises:
        SettingsError: the profile does not exist, an override is malformed, a key is unknown or a value is invalid.
    """
    values = _read_profile(profile)
    problems: list[str] = []
    for override in overrides:
        _apply(values, override, problems)
    try:
        settings = TypeAdapter(Settings).validate_python(with_preset(values))
    except ValidationError as error:
        problems += [describe(problem) for problem in error.errors()]
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise SettingsError(f"the settings are invalid:\n{lines}\nAll settings are documented in conf/*settings.py.")
    return settings


def _read_profile(profile: str) -> dict[str, Any]:
    built_in = {p.name.removesuffix(".yaml"): p for p in resources.files("conf").iterdir() if p.name.endswith(".yaml")}
    if profile in built_in:
        text = built_in[profile].read_text(encoding="utf-8")
    elif profile.endswith((".yaml", ".yml")) and Path(profile).is_file():
        try:
            text = Path(profile).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise SettingsError(
                f"profile {profile!r} is not text in UTF-8 (byte {error.start + 1} is "
                f"{error.object[error.start]:#04x}): save it as UTF-8."
            ) from error
    else:
        raise SettingsError(
            f"no profile {profile!r}: use one of {', '.join(sorted(built_in))}, or the path of a .yaml file."
        )
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"profile {profile!r} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"profile {profile!r} must be a mapping of sections, not a {type(values).__name__}.")
    return values


def _apply(values: dict[str, Any], override: str, problems: list[str]) -> None:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        problems.append(f"{override!r}: write --set section.key=value, e.g. --set train.ranks=4")
        return
    try:
        # A lone sign, such as a separator, is itself: a shell removes the quotes that YAML would need.
        value = text if _SIGN.fullmatch(text) else yaml.safe_load(text)
    except yaml.YAMLError:
        problems.append(f"{override!r}: the value is not valid YAML")
        return
    node: Any = values
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            problems.append(
                f"{override!r}: the profile gives {key} a value, so {key} cannot contain a setting; correct the profile"
            )
            return
    node[keys[-1]] = value
