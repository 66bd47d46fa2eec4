"""The column `predictions.attributes`: what the heads of a bundle predict, as lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.arrays import Floats, Ints
from schemas.attributes import AttributeHead
from schemas.tensors import TextBatch, VectorBatch
from udfs.attributes import contradictions, predict_attribute

_FIELDS = ("probability", "by_words", "by_picture", "contradiction")
LISTS = pa.list_(
    pa.struct([("attribute", pa.string()), ("value", pa.string()), *((name, pa.float64()) for name in _FIELDS)])
)
"""The Arrow type of the column."""


def reads_titles(heads: Sequence[AttributeHead]) -> bool:
    """Whether a head reads titles without descriptions."""
    return any(head.part >= 0 for head in heads)


def predict_attributes(
    heads: Sequence[AttributeHead], titles: TextBatch, texts: TextBatch, pictures: VectorBatch, buckets: Ints
) -> pa.Array:
    """Predict the attributes of n listings.

    Args:
        heads: the heads of the bundle.
        titles: features of the titles; they are not read unless a head reads titles alone.
        texts: features of titles and descriptions.
        pictures: vectors of the bundle's picture encoder.
        buckets: shape (n,), 0 to 2519.

    Returns:
        n lists of type `LISTS`, by attribute, the most probable value first: one value, or all where contradictions are
        looked for. Null without heads. A listing without words and picture lacks the attribute.
    """
    if not heads:
        return pa.nulls(len(buckets), LISTS)
    found: list[list[dict[str, object]]] = [[] for _ in buckets]
    for head in heads:
        predicted = predict_attribute(head, titles, texts, pictures, buckets)
        rows = np.flatnonzero(~np.isnan(predicted.fused[:, 0]))
        columns = [np.exp(each[rows]) for each in (predicted.fused, predicted.by_words, predicted.by_picture)]
        wrong = np.full_like(columns[0], np.nan)
        if head.swaps is not None:
            wrong = contradictions(columns[0], head.swaps, head.sure, head.shares)
        # A stable sort, so that ties have the same order on every machine.
        order = np.argsort(-columns[0], axis=1, kind="stable")[:, : 1 if head.swaps is None else None]
        picked = [np.take_along_axis(each, order, axis=1) for each in (*columns, wrong)]
        for position, row in enumerate(rows):
            found[row] += _entries(head, order[position], [each[position] for each in picked])
    return pa.array(found, LISTS)


def _entries(head: AttributeHead, order: Ints, figures: Sequence[Floats]) -> list[dict[str, object]]:
    """The entries of one listing and attribute; NaN becomes null."""
    return [
        {
            "attribute": head.name,
            "value": head.values[value],
            **{
                name: None if np.isnan(each[place]) else float(each[place])
                for name, each in zip(_FIELDS, figures, strict=True)
            },
        }
        for place, value in enumerate(order)
    ]
