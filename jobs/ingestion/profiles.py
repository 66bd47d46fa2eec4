"""Writes a commented profile for deliveries like a given one, to be edited."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from conf.presets import PRESETS
from conf.settings import Settings
from jobs.ingestion.samples import Sample
from jobs.ingestion.steps.proposals import in_yaml
from jobs.ingestion.steps.sources import OPTIONAL, REQUIRED, mapped_names

_HEAD = """\
# Profile for deliveries like {delivery}; use it with --profile {profile} in every command.
# Check the mapping. Lines that begin with # have no effect: remove the # to use one.
# docs/ingest.md explains how files are read; all settings are in conf/ingest_settings.py and conf/settings.py.
# The taxonomy is no setting: give it to the first ingest, --taxonomy FILE, or --taxonomy-from-paths.
"""
_OTHERS = (
    ("image_prefixes", ["/folder/of/pictures"], "Pictures given by path or URI are read only below these folders."),
    ("nulls", list(Settings().ingest.nulls), "Words that stand for no value, but not in title and description."),
    ("decimal_sign", ",", "The sign before the decimals of prices, where prices such as 1,234 leave it open."),
    (
        "files",
        {"encoding": "windows-1252", "delimiter": ";"},
        "How CSV files are written, where the command says that it is not sure.",
    ),
)
"""Setting below ingest, an example and what it is for."""
_REST = """\
# Settings that were in force when this file was written and differ from their defaults (conf/settings.py): those of
# the profile, such as local, and of --set.
"""
_OWN = ("preset", "columns", "attributes", "updated_at")


def profile_text(sample: Sample, settings: Settings, delivery: str, profile: str) -> str:
    """A profile as text: what is set, found and proposed, and the other settings of deliveries as comments.

    Args:
        sample: what the settings make of the delivery.
        settings: all that differ from their defaults are kept.
        delivery: location of the delivery, for the comment.
        profile: the file to write, for the comment.
    """
    changed = changed_settings(settings)
    ingest = changed.pop("ingest", {})
    lines = ["ingest:", *(f"  {line}".rstrip() for line in _ingest(sample, settings, ingest))]
    rest = f"\n{_REST}{_dump(changed)}" if changed else ""
    return _HEAD.format(delivery=_one_line(delivery), profile=_one_line(profile)) + "\n".join(lines) + "\n" + rest


def changed_settings(settings: Settings) -> dict[str, Any]:
    """The settings that differ from their defaults, by section."""
    return _changed(dataclasses.asdict(settings), dataclasses.asdict(Settings()))


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        default = defaults[name]
        if isinstance(value, dict) and isinstance(default, dict) and default:
            if inner := _changed(value, default):
                found[name] = inner
        elif value != default:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _ingest(sample: Sample, settings: Settings, changed: Mapping[str, Any]) -> Iterator[str]:
    """The lines below `ingest`."""
    preset = settings.ingest.preset or sample.proposal.preset
    proposed = "proposed, because of its columns; " if preset is not None and settings.ingest.preset is None else ""
    yield f"# The program whose export this is ({proposed}{', '.join(PRESETS)}); null: none."
    yield f"preset: {in_yaml(preset)}"
    yield ""
    yield "# Column of the listings: column of the files. null leaves a column out."
    yield from _block("columns", _column_lines(sample, settings))
    yield ""
    yield "# Other columns of the files, to be kept in the column attributes of listings."
    kept = [(f"{in_yaml(name)}: {in_yaml(source)}", True) for name, source in settings.ingest.attributes.items()]
    proposed_names = set(sample.proposal.columns.values())
    unused = [each.name for each in sample.columns if not each.used_for and each.name not in proposed_names]
    yield from _block("attributes", [*kept, *((f"{in_yaml(name)}: {in_yaml(name)}", False) for name in unused)])
    yield ""
    yield "# The time of all rows without a column of times; file: when the newest file was last changed."
    time = settings.ingest.updated_at or ("file" if sample.proposal.file_time else None)
    yield "# updated_at: file" if time is None else f"updated_at: {in_yaml(time)}"
    for name, example, meaning in _OTHERS:
        yield ""
        yield f"# {meaning}"
        yield f"# {name}: {in_yaml(example)}" if name not in changed else f"{name}: {in_yaml(changed[name])}"
    others = {name: value for name, value in changed.items() if name not in (*_OWN, *(each[0] for each in _OTHERS))}
    if others:
        yield ""
        yield from _dump(others).splitlines()


def _column_lines(sample: Sample, settings: Settings) -> Iterator[tuple[str, bool]]:
    """A line for each column of listings, and whether it has an effect."""
    mapped = mapped_names(settings.ingest)
    preset = settings.ingest.preset or sample.proposal.preset
    by = "found without a mapping" if preset is None else "found"
    for column in (*REQUIRED, *OPTIONAL):
        if column in mapped:
            yield f"{column}: {in_yaml(mapped[column])}", True
        elif column in sample.proposal.columns:
            others = ", ".join(sample.proposal.others.get(column, ()))
            check = f"# proposed: check it{f'; or {others}' if others else ''}"
            yield f"{column}: {in_yaml(sample.proposal.columns[column])}  {_one_line(check)}", True
        elif column in sample.sources:
            first, *more = sample.sources[column]
            empty = f"; where it is empty: {', '.join(more)}" if more else ""
            yield f"{column}: {in_yaml(first)}  {_one_line(f'# {by}{empty}')}", False
        else:
            required = "  # required" if column in sample.missing and column in REQUIRED else ""
            yield f"{column}: NAME_IN_FILE{required}", False


def _block(name: str, lines: Iterator[tuple[str, bool]] | list[tuple[str, bool]]) -> Iterator[str]:
    """A mapping whose lines may be comments; all is one if no line has an effect."""
    entries = list(lines)
    if any(active for _, active in entries):
        yield f"{name}:"
        yield from (f"  {line}" if active else f"  # {line}" for line, active in entries)
    else:
        yield f"# {name}:"
        yield from (f"#   {line}" for line, _ in entries)


def _dump(values: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False, width=float("inf")))


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
