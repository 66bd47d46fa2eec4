"""A keyed hash of an id: the same id always has the same one, and without the key nobody can tell the id.

It is HMAC-SHA256 (RFC 2104). A plain hash would not do: the ids of a marketplace can be guessed and hashed one after
another.
"""

from __future__ import annotations

import hmac

_DIGITS = 32


def keyed_hash(secret: bytes, purpose: str, value: str) -> str:
    """The hash of an id: 32 hexadecimal digits, 128 bits.

    Args:
        secret: the key, at least 32 random bytes.
        purpose: the same id has different hashes for different purposes, so nobody can link them.
        value: the id.
    """
    return hmac.digest(secret, f"{purpose}\0{value}".encode(), "sha256").hex()[:_DIGITS]
