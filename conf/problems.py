"""Describes invalid settings: the setting, its value, the rule and what to do, one sentence each."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from conf.ingest_settings import IMAGE_PREFIXES
from conf.settings import Settings

_RULES = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text, a number in quotes",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} character(s)",
    "string_pattern_mismatch": f"must start with one of {', '.join(IMAGE_PREFIXES)}",
    "mlflow_server": "must be the address of an MLflow server, such as https://mlflow.example.com (with a database or "
    "folder, models would be stored where the command happens to run)",
    "country_code": "must be two capital letters, a country's code of ISO 3166-1 such as FR or GB",
    "literal_error": "must be {expected}",
    "dict_type": "must be a mapping, such as {{name: value}}",
    "tuple_type": "must be a list, such as [value]",
    "missing": "must have more values",
    "too_long": "must have at most {max_length} values",
}
"""Pydantic's type of an error -> the rule, with the values of its context."""


def describe(problem: Mapping[str, Any]) -> str:
    """Describe one of the errors of pydantic's `ValidationError.errors` about `Settings`."""
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    kind = problem["type"]
    if kind == "missing":  # an element of a list
        path.pop()
    where = ".".join(path)
    if kind in ("unexpected_keyword_argument", "invalid_key"):
        return _describe_unknown(path)
    if kind == "dataclass_type":
        example = _names(path)[0]
        return (
            f"{where} = {problem['input']!r}: {where} is a section, so it must contain settings, such as "
            f"{where}: {{{example}: ...}}; add some or leave it out"
        )
    rule = _RULES[kind].format(**problem.get("ctx") or {}) if kind in _RULES else problem["msg"].lower()
    return f"{where} = {problem['input']!r}: it {rule}; change it or leave it out{_default(path)}"


def _describe_unknown(path: Sequence[str]) -> str:
    names, name = _names(path[:-1]), path[-1]
    close = difflib.get_close_matches(name, names, 1)
    what, there = ("setting", f"{'.'.join(path[:-1])} has") if len(path) > 1 else ("section", "the sections are")
    hint = f"write {close[0]} instead, or leave it out" if close else f"leave it out; {there} {', '.join(names)}"
    return f"{'.'.join(path)}: no such {what}; {hint}"


def _names(path: Sequence[str]) -> list[str]:
    """The sections, or the settings of a section."""
    values: Any = Settings()
    for name in path:
        values = getattr(values, name)
    return [field.name for field in dataclasses.fields(values)]


def _default(path: Sequence[str]) -> str:
    """The default of a setting, for the end of a sentence; empty if the path names none."""
    default: Any = Settings()
    for name in path:
        if not hasattr(default, name):
            return ""
        default = getattr(default, name)
    return "" if default is None or dataclasses.is_dataclass(default) else f" (default: {default!r})"
