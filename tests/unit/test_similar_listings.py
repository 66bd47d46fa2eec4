"""The most similar listings: by vectors, otherwise by the words of the titles."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from udfs.similar_listings import most_similar

SCHEMA = pa.schema([("listing_id", pa.string()), ("title", pa.string()), ("vector", pa.binary())])


def table(*rows: tuple[str, str | None, tuple[float, ...] | None]) -> pa.Table:
    stored = [
        {"listing_id": i, "title": t, "vector": None if v is None else np.array(v, "<f2").tobytes()} for i, t, v in rows
    ]
    return pa.Table.from_pylist(stored, SCHEMA)


EXEMPLARS = table(
    ("a", "red shoe", (1.0, 0.0)),
    ("b", "blue shoe", (3.0, 4.0)),
    ("c", "shoe", (0.0, 2.0)),
    ("d", "Red Shoe", None),
    ("e", None, (2.0, 0.0)),
)


def found(listings: pa.Table, exemplars: pa.Table = EXEMPLARS) -> list[list[tuple[str, float]]]:
    rows = most_similar(listings, exemplars).column("similar").to_pylist()
    return [[(each["listing_id"], each["similarity"]) for each in row] for row in rows]


def test_pictures_are_compared_by_their_vectors_whatever_their_length() -> None:
    # Equal ones go by id; a listing is not similar to itself, and what is unlike is no example.
    assert found(table(("x", "tent", (5.0, 0.0)), ("a", "tent", (1.0, 0.0)))) == [
        [("a", 1.0), ("e", 1.0), ("b", 0.6)],
        [("e", 1.0), ("b", 0.6)],
    ]


def test_without_a_picture_the_words_of_the_titles_are_compared() -> None:
    assert found(table(("x", "SHOE red", None), ("y", None, None))) == [[("a", 1.0), ("d", 1.0), ("c", 0.7071)], []]


def test_exemplars_without_pictures_are_compared_by_their_words() -> None:
    assert found(table(("x", "red", (1.0, 0.0))), table(("d", "red", None))) == [[("d", 1.0)]]
    assert found(table(("x", "red", (1.0, 0.0))), EXEMPLARS.slice(0, 0)) == [[]]


def test_the_order_and_company_of_listings_does_not_matter() -> None:
    rows = [(f"l{n}", "shoe", tuple(np.random.default_rng(n).normal(size=2))) for n in range(9)]
    together = found(table(*rows))
    assert [found(table(row))[0] for row in rows] == together
    assert found(table(*reversed(rows)), EXEMPLARS.take([4, 2, 0, 1, 3])) == together[::-1]
