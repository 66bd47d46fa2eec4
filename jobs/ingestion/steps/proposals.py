"""Proposes a mapping for columns whose names are known for columns of listings. Nobody applies it but the user."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from conf.presets import PRESETS, Preset
from schemas.column_names import COLUMN_NAMES, normalise_name

_TIME = "updated_at"
_FILE_TIME = "file"
_DISTINCT_NAMES = 3
"""A file with so many names that only one preset has is probably an export of its program."""


@dataclass(frozen=True)
class Proposal:
    """A mapping that a file's names suggest.

    Attributes:
        columns: column of listings -> column of the file.
        others: column of listings -> further columns of the file with names that are known for it.
        preset: the program whose export this probably is; None: not known.
        file_time: whether no column looks like the time of a row, so that the file's own time is proposed.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preset: str | None = None
    file_time: bool = False

    def __bool__(self) -> bool:
        return bool(self.columns or self.preset or self.file_time)

    @property
    def has_time(self) -> bool:
        """Whether it gives rows a time."""
        return self.file_time or self.preset is not None or _TIME in self.columns

    def settings(self, mapped: Mapping[str, str | None]) -> dict[str, object]:
        """The settings below `ingest` that the proposal means.

        Args:
            mapped: the mapping that is set already; it stays.
        """
        if self.preset is not None:
            return {"preset": self.preset}
        columns = {**mapped, **self.columns}
        settings: dict[str, object] = {"columns": columns} if self.columns else {}
        return settings | ({"updated_at": _FILE_TIME} if self.file_time else {})

    def as_options(self, mapped: Mapping[str, str | None]) -> str:
        """The words to add to the command line; the argument is that of `settings`."""
        return " ".join(_option(name, value) for name, value in self.settings(mapped).items())


def propose(
    names: Sequence[str], found: Collection[str], left_out: Collection[str] = (), *, has_preset: bool = False
) -> Proposal:
    """Propose columns of a file for columns of listings that are not found in it.

    Args:
        names: columns of the file that nothing uses.
        found: columns of listings that the file has or that need none, such as updated_at if the time is set.
        left_out: columns of listings that a setting leaves out.
        has_preset: whether a preset is set, so that none is proposed.
    """
    preset = None if has_preset or left_out else find_preset(names, found)
    if preset is not None:
        return Proposal(preset=preset)
    columns: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    free = list(names)
    for column, known in COLUMN_NAMES.items():
        if column in found or column in left_out:
            continue
        by_word: dict[str, list[str]] = {}
        for name in free:
            by_word.setdefault(normalise_name(name), []).append(name)
        alike = [name for word in known for name in by_word.get(word, ())]
        if alike:
            columns[column], others[column] = alike[0], tuple(alike[1:])
            free.remove(alike[0])
    # Pictures as bytes come before pictures by path.
    if "image" in columns and "image_uri" in columns:
        del columns["image_uri"], others["image_uri"]
    is_timeless = _TIME not in found and _TIME not in left_out and _TIME not in columns
    return Proposal(columns, {column: names for column, names in others.items() if names}, None, is_timeless)


def find_preset(names: Sequence[str], found: Collection[str] = ()) -> str | None:
    """The preset whose export a file probably is, because it has several names of it that no other preset has.

    Args:
        names: columns of the file.
        found: columns of listings that the file has.
    """
    lower = {name.lower() for name in names}
    own = {name: _names(preset) for name, preset in PRESETS.items()}
    for name, preset in PRESETS.items():
        others = set().union(*(known for other, known in own.items() if other != name))
        required = [{each.lower() for each in preset.columns[column]} for column in preset.required]
        has_all = all(column in found or known & lower for column, known in zip(preset.required, required, strict=True))
        if has_all and len(own[name] & lower - others) >= _DISTINCT_NAMES:
            return name
    return None


def _names(preset: Preset) -> set[str]:
    return {name.lower() for known in (*preset.columns.values(), *preset.attributes.values()) for name in known}


def _option(name: str, value: object) -> str:
    """The option that sets a setting, quoted for a shell."""
    if name == "preset":
        return f"--preset {value}"
    return f"--set {shlex.quote(f'ingest.{name}={in_yaml(value)}')}"


def in_yaml(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
