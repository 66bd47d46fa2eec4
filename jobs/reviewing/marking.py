"""Finds where in a text the personal data are that the night has found, so that the page can mark the words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from udfs.personal_data import find_personal_data

_WORD = re.compile(r"\S+")
_MOST_WORDS = 400
"""Words of a text that are tried at most; of a longer text, the first ones."""


def mark_personal_data(
    title: str | None, description: str | None, language: str | None, currency: str | None, regions: Sequence[str]
) -> list[tuple[str, int, int]]:
    """The words without which less would be found.

    Args:
        title, description, language, currency, regions: as in `udfs.personal_data.find_personal_data`.

    Returns:
        "title" or "description", start and end of each word.
    """
    marks = []
    for field, text in (("title", title), ("description", description)):
        if not text:
            continue
        found = set(find_personal_data(None, text, language=language, currency=currency, regions=regions))
        for word in list(_WORD.finditer(text))[:_MOST_WORDS] if found else ():
            without = text[: word.start()] + text[word.end() :]
            left = find_personal_data(None, without, language=language, currency=currency, regions=regions)
            if not found <= set(left):
                marks.append((field, word.start(), word.end()))
    return marks
