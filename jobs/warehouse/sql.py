"""Pieces of Spark SQL."""

from __future__ import annotations

from collections.abc import Mapping


def properties_list(properties: Mapping[str, str]) -> str:
    """Table properties."""
    return ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())


def literal(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
