"""Convert between probabilities of all C categories and the ranked lists that predictions store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.arrays import Floats, Floats32, Ints

RANKING = pa.list_(pa.struct([("category", pa.string()), ("probability", pa.float64())]))
"""The Arrow type of `predictions.top_categories` and similar columns."""


def rank(log_probabilities: Floats32, categories: Sequence[str], top: int) -> pa.ListArray:
    """The `top` most probable categories of each row, most probable first.

    Args:
        log_probabilities: shape (n, C); a row of NaN where there is no prediction.
        categories: C names.
        top: maximum length of each list.

    Returns:
        n lists of type `RANKING`; null where the row is NaN.
    """
    predicted = ~np.isnan(log_probabilities[:, 0])
    known = log_probabilities[predicted]
    count = min(top, len(categories))
    # A stable sort, so that ties have the same order on every machine.
    order = np.argsort(-known, axis=1, kind="stable")[:, :count]
    probabilities = np.exp(np.take_along_axis(known, order, axis=1).astype(np.float64))
    names = pa.DictionaryArray.from_arrays(pa.array(order.ravel()), pa.array(categories, pa.string()))
    values = pa.StructArray.from_arrays(
        [names.cast(pa.string()), pa.array(probabilities.ravel())], names=["category", "probability"]
    )
    offsets = np.concatenate([[0], np.cumsum(np.where(predicted, count, 0))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~predicted)).cast(RANKING)


def first(rankings: pa.ListArray, field: str) -> pa.Array:
    """The `category` or `probability` of each list's first entry; null where the list is null."""
    taken = pa.array(np.asarray(rankings.offsets)[:-1], mask=~np.asarray(rankings.is_valid()))
    return rankings.values.field(field).take(taken)


def densify(rankings: pa.ListArray, index: Mapping[str, int], base: Floats) -> Floats:
    """The probabilities of all C categories; the unranked remainder is spread in proportion to `base`.

    Args:
        rankings: n lists of type `RANKING`; null becomes `base`.
        index: category -> column; other categories are ignored. The probabilities of several in one column add up.
        base: shape (C,), probabilities.

    Returns:
        Shape (n, C).
    """
    counts = np.asarray(rankings.value_lengths().fill_null(0))
    entries = rankings.flatten()
    rows, columns = np.repeat(np.arange(len(rankings)), counts), _columns(entries, index)
    known = columns >= 0
    ranked = np.zeros((len(rankings), len(base)))
    np.add.at(ranked, (rows[known], columns[known]), np.asarray(entries.field("probability"), dtype=np.float64)[known])
    remainder = np.clip(1.0 - ranked.sum(axis=1), 0.0, 1.0)
    unranked = np.where(ranked > 0, 0.0, base)
    scale = np.maximum(unranked.sum(axis=1), 1e-300)
    return np.asarray(ranked + unranked * (remainder / scale)[:, None])


def _columns(entries: pa.StructArray, index: Mapping[str, int]) -> Ints:
    if not len(entries):
        return np.empty(0, np.int64)
    names = entries.field("category").dictionary_encode()
    columns = np.array([index.get(name, -1) for name in names.dictionary.to_pylist()], np.int64)
    return np.asarray(columns[np.asarray(names.indices)])
