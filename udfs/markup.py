"""The text of a page's HTML, without tags and entities."""

from __future__ import annotations

import html
import re

# Not the standard library's parser: it takes seconds for a few thousand tags that are not closed, and it raises an
# error for some declarations. No part of the pattern reads a character more than twice.
_NO_TEXT = re.compile(
    r"""
    <(script|style)\b.*?(?:</\1\s*>|\Z)   # as browsers do: to the end, if it is not closed
    | <!--.*?(?:-->|\Z)
    | <[a-z/!?][^<>]*>
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def plain_text(text: str) -> str:
    """The words of a text that may be HTML. A tag becomes a space; an entity becomes its character.

    In a text with `<`, white space is collapsed to single spaces. As in HTML, `<` begins a tag only if a letter, `/`,
    `!` or `?` follows: `5 < 6` and `<3` stay. Shops also escape whole descriptions (`&lt;p&gt;`), so tags are looked
    for in the text without entities.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = " ".join(_NO_TEXT.sub(" ", text).split())
    return html.unescape(text) if "&" in text else text
