"""Pieces of Spark SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping


def properties_list(properties: Mapping[str, str]) -> str:
    """Table properties."""
    return ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())


def literal(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def safe_name(name: str) -> str:
    """The name of a temporary table as it is stored: only letters, digits and underscores."""
    return re.sub(r"\W", "_", name)
