"""Find the listings most like another one: by the vectors of their pictures or, without one, the words of their titles.

Spark gives each category's listings, with its few exemplars, to one call.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from schemas.arrays import Floats
from udfs.text import normalize

KEPT = 3
"""The listings that are found for one."""
FOUND = pa.list_(pa.struct([("listing_id", pa.string()), ("similarity", pa.float64())]))
SCHEMA = "listing_id STRING, similar ARRAY<STRUCT<listing_id: STRING, similarity: DOUBLE>>"
_DIGITS = 4
"""Of a similarity, so that it does not depend on how listings are divided."""
_WORD = re.compile(r"\w+")
_LONGEST = 300
"""Characters of a title that are read."""


def most_similar(listings: pa.Table, exemplars: pa.Table) -> pa.Table:
    """Find the exemplars that are most like each listing.

    Args:
        listings: listing_id, title and vector (float16, little-endian; null without a usable picture).
        exemplars: the same of the listings to choose from.

    Returns:
        The columns of `SCHEMA`: for each listing at most `KEPT` others whose similarity, a cosine, is above 0, the most
        similar first. A listing with a vector is compared with exemplars that have one.
    """
    ids = exemplars.column("listing_id").to_pylist()
    own, others = _vectors(listings), _vectors(exemplars)
    has_own, has_other = own.any(axis=1), others.any(axis=1)
    words = [_words(title) for title in exemplars.column("title").to_pylist()]
    found = []
    for row, (listing_id, title) in enumerate(
        zip(listings.column("listing_id").to_pylist(), listings.column("title").to_pylist(), strict=True)
    ):
        if has_own[row] and has_other.any():
            similarity = others @ own[row]
        else:
            mine = _words(title)
            similarity = np.array([_overlap(mine, theirs) for theirs in words])
        ranked = sorted(
            (-round(float(value), _DIGITS), other)
            for value, other in zip(similarity, ids, strict=True)
            if other != listing_id and round(float(value), _DIGITS) > 0
        )
        found.append([{"listing_id": other, "similarity": -value} for value, other in ranked[:KEPT]])
    return pa.table({"listing_id": listings.column("listing_id"), "similar": pa.array(found, FOUND)})


def _vectors(listings: pa.Table) -> Floats:
    """The vectors with length 1, shape (n, D); 0 where there is none."""
    stored = listings.column("vector").to_pylist()
    width = max((len(each) // 2 for each in stored if each), default=1)
    vectors = np.zeros((len(stored), width))
    for row, each in enumerate(stored):
        if each and len(each) // 2 == width:
            vectors[row] = np.frombuffer(each, "<f2")
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def _words(title: str | None) -> frozenset[str]:
    return frozenset(_WORD.findall(normalize(title or "", _LONGEST)))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The cosine of two sets of words."""
    return len(one & other) / np.sqrt(len(one) * len(other)) if one and other else 0.0
