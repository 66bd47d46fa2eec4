"""The words of the page, one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

LANGUAGES = ("en", "fr")
"""The first is for people whose browser asks for none of them."""
_FOR_SCRIPT = (
    "saved",
    "unsaved",
    "offline",
    "offline_undo",
    "back",
    "not_stored",
    "no_storage",
    "taken",
    "refused",
    "undone",
    "undone_gone",
    "nothing_to_undo",
    "nothing_before",
    "note_heading",
    "skip_heading",
    "key_taken",
    "sign_in",
    "signed_out",
    "confirm_accept",
    "confirm_reject",
    "confirm_bulk",
    "bulk_changed",
    "wall_saved",
    "wall_saved_some",
    "wall_undone",
    "wall_failed",
    "no_answer",
    "not_loaded",
    "lead_undone",
    "lead_reopened",
    "lead_ended",
    "lead_not_open",
)


class Words:
    """The words of a language: `words("done_today", count=3)`, `words("questions.category")`."""

    def __init__(self, language: str, entries: Mapping[str, Any]) -> None:
        """Keep the entries of a language's file."""
        self.language = language
        self._entries = entries

    def __call__(self, key: str, **values: object) -> str:
        """The words under a key, with values filled in.

        Raises:
            KeyError: there are none.
        """
        entry: Any = self._entries
        for name in key.split("."):
            entry = entry[name]
        return str(entry).format(**values) if values else str(entry)

    def get(self, key: str, default: str) -> str:
        """The words under a key; another text if there are none, such as for a rare language."""
        try:
            return self(key)
        except KeyError:
            return default

    def group(self, key: str) -> dict[str, str]:
        """All words below a key."""
        return {name: str(text) for name, text in self._entries[key].items()}

    @property
    def for_script(self) -> dict[str, Any]:
        """The words that the page's script shows, and those of answers."""
        return {key: self._entries[key] for key in _FOR_SCRIPT} | {"answers": self.group("answers")}


@cache
def load_words(language: str) -> Words:
    """The words of one of `LANGUAGES`."""
    text = resources.files("jobs.reviewing").joinpath(f"words/{language}.yaml").read_text(encoding="utf-8")
    return Words(language, yaml.safe_load(text))


def choose_language(wanted: str | None, accepted: str) -> str:
    """The language of the page.

    Args:
        wanted: what the reviewer has chosen; None: nothing.
        accepted: the browser's header Accept-Language.
    """
    if wanted in LANGUAGES:
        return str(wanted)
    ranked = []
    for place, part in enumerate(accepted.split(",")):
        name, _, weight = part.partition(";q=")
        try:
            ranked.append((-float(weight or 1), place, name.strip()[:2].lower()))
        except ValueError:  # no weight: such a part says nothing
            continue
    return next((name for _, _, name in sorted(ranked) if name in LANGUAGES), LANGUAGES[0])
