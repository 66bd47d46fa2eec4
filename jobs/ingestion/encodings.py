"""Finds the encoding of a text file, and refuses to guess."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""A mark at the beginning of a file -> its encoding; UTF-32 first, because its mark begins with that of UTF-16."""
_COHERENCE, _CHAOS = 0.2, 0.05
"""The likeliest encoding must give words of a language (0 to 1), and others so much more noise not to be plausible."""
_CANDIDATES = 3
_SHOWN = 60


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a mark at the beginning of a file names (a byte order mark); None if there is none.

    A text of which every second byte is 0 is UTF-16 without a mark.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even = head[: len(head) // 2 * 2]
    if len(even) >= 4 and b"\0" in even:
        zeros = [part.count(0) * 2 > len(part) for part in (even[::2], even[1::2])]
        return "utf-16-be" if zeros == [True, False] else "utf-16-le" if zeros == [False, True] else None
    return None


def detect_encoding(lines: Sequence[bytes], other: bytes) -> str | None:
    """The encoding of lines that are not UTF-8, if all plausible encodings read each byte of the file alike; else None.

    Encodings of several bytes a character are never sure.

    Args:
        lines: lines that are not UTF-8.
        other: all bytes of the file's lines that are not UTF-8, without ASCII, each once.
    """
    found = from_bytes(b"".join(lines))
    if not found or found[0].coherence < _COHERENCE:
        return None
    plausible = {name for each in found if each.chaos <= found[0].chaos + _CHAOS for name in each.could_be_from_charset}
    try:
        return found[0].encoding if len({other.decode(name) for name in plausible}) == 1 else None
    except UnicodeDecodeError:
        return None


def describe_encodings(lines: Sequence[bytes]) -> str:
    """How the first line reads in the plausible encodings, for a message."""
    found = [each.encoding for each in from_bytes(b"".join(lines))]
    names = dict.fromkeys(["cp1252", *found])
    shown = [f"{name}: {lines[0].decode(name, 'replace').strip()[:_SHOWN]!r}" for name in list(names)[:_CANDIDATES]]
    return "; ".join(shown)
