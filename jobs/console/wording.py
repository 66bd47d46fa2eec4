"""Puts a number into a sentence, whose words agree with it."""

from __future__ import annotations

import re

UNUSED_ROWS = "{n} {row|rows} could not be used; {it is|they are} in the table quarantine, with the reasons."
_CHOICE = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")


def agree(text: str, count: int) -> str:
    """Put a number into a text.

    Args:
        text: with {n} for the number, and words for one and for other numbers, as in `{n} {row is|rows are} missing`.
            Other braces stay as they are.
        count: the number.
    """
    return _CHOICE.sub(lambda words: words[1] if count == 1 else words[2], text).replace("{n}", f"{count:,}")
