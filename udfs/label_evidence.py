"""Label evidence: a few numbers per listing from which Spark computes the posteriors.

Let q be the classifier's probabilities, l the label and M the transition matrix. The posterior of every category
follows from two sums and the seller's error rate e (see `udfs.posterior`)::

    label_support = q(l)                    P(l is right)  = (1 - e) · label_support / Z
    other_support = Σ_{c≠l} q(c) M[c, l]    P(c is right)  = e · q(c) M[c, l] / Z
    Z = (1 - e) · label_support + e · other_support

So updating sellers' rates and deciding listings needs only column arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.arrays import Floats, Ints
from schemas.bundle import NoiseModel
from schemas.successors import Successors
from udfs.ancestors import ancestor_matrix, resolve_ancestors
from udfs.fusion import sharpened
from udfs.rankings import densify
from udfs.successors import follow_model

EVIDENCE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("label_support", "DOUBLE"),
    ("other_support", "DOUBLE"),
    ("candidates", "ARRAY<STRUCT<category: STRING, probability: DOUBLE>>"),
    ("text_label_support", "DOUBLE"),
    ("text_other_support", "DOUBLE"),
    ("image_label_ratio", "DOUBLE"),
    ("image_other_ratio", "DOUBLE"),
)
"""The columns that `make_label_evidence` adds, with Spark types. `candidates`: categories other than the label with
their share of other_support, most probable first. `text_*`: the supports from the text alone. `image_label_ratio`:
likelihood ratio of the picture, the label against a random listing; `image_other_ratio`: the same for the other
categories, averaged with the text's probabilities. Both are null if there is no usable picture."""

REPLACED_COLUMNS: tuple[str, ...] = ("top_categories", "text_top", "image_top")
"""The columns that `make_label_evidence` replaces with `EVIDENCE_COLUMNS`, because long lists are expensive."""

_NO_LABEL = -1
_UNKNOWN_TO_MODEL = -2
_BLOCK = 2000
"""Rows processed at once; limits memory if there are many categories."""


def make_label_evidence(
    noise: NoiseModel,
    prior: Sequence[float],
    taxonomy: Mapping[str, str | None],
    suggestions: int,
    successors: Successors | None = None,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Make a function for `mapInArrow` that replaces `REPLACED_COLUMNS` with `EVIDENCE_COLUMNS`.

    It reads `category` (the seller's label; null or a category outside the taxonomy counts as no label) and
    `top_categories`, `text_top` and `image_top` as in the table predictions (null: no prediction).

    Args:
        noise: the noise model of the bundle.
        prior: C probabilities, used for a listing without a prediction.
        taxonomy: the current categories with their parents (None: none). Only these are suggested; ancestors and
            descendants of the label count for the label (`udfs.ancestors`).
        suggestions: maximum length of `candidates`.
        successors: former category -> the one of the taxonomy that has taken its place. The model's probabilities of
            former categories count for these.
    """
    noise, base, known = follow_model(noise, prior, successors or {})
    categories = np.array(noise.categories, dtype=object)
    in_taxonomy = np.array([category in taxonomy for category in noise.categories])
    ancestors = ancestor_matrix(noise.categories, [taxonomy.get(category) for category in noise.categories])
    # The model cannot predict a category that it was not trained on; then only the seller's error rate counts.
    labels_of = {category: known.get(category, _UNKNOWN_TO_MODEL) for category in taxonomy}

    def add_evidence(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in range(0, batch.num_rows, _BLOCK):
                yield evidence(batch.slice(start, _BLOCK))

    def evidence(rows: pa.RecordBatch) -> pa.RecordBatch:
        label_names = rows.column("category").to_pylist()
        labels = np.array([labels_of.get(name, _NO_LABEL) for name in label_names], dtype=np.int64)
        q = resolve_ancestors(densify(rows.column("top_categories"), known, base), labels, ancestors)
        label_support, others = _split(q, labels, noise.transitions)
        others *= in_taxonomy
        other_support = others.sum(axis=1)
        text = resolve_ancestors(densify(rows.column("text_top"), known, base), labels, ancestors)
        text_label, text_others = _split(text, labels, noise.transitions)
        text_other = text_others.sum(axis=1)
        has_image = np.asarray(rows.column("image_top").is_valid())
        shown = resolve_ancestors(densify(rows.column("image_top"), known, noise.image_marginal), labels, ancestors)
        image = sharpened(shown, noise.mismatch_weight)
        ratio = image / np.maximum(noise.image_marginal, 1e-9)
        label_ratio = np.where(labels >= 0, ratio[np.arange(len(labels)), labels], 1.0)
        other_ratio = (text_others * ratio).sum(axis=1) / np.maximum(text_other, 1e-300)
        columns = [
            pa.array(label_support),
            pa.array(other_support),
            _ranked(others, other_support, categories, suggestions),
            pa.array(text_label),
            pa.array(text_other),
            pa.array(label_ratio, mask=~has_image),
            pa.array(other_ratio, mask=~has_image),
        ]
        kept = [name for name in rows.schema.names if name not in REPLACED_COLUMNS]
        names = [*kept, *(name for name, _ in EVIDENCE_COLUMNS)]
        return pa.RecordBatch.from_arrays([*(rows.column(name) for name in kept), *columns], names=names)

    return add_evidence


def _split(q: Floats, labels: Ints, transitions: Floats) -> tuple[Floats, Floats]:
    """q(l), shape (n,), and q(c) M[c, l] for the other categories, shape (n, C); 0 and q if there is no label."""
    rows = np.arange(len(labels))
    label_support = np.where(labels >= 0, q[rows, labels], 0.0)
    others = np.where((labels >= 0)[:, None], q * transitions.T[labels], q)
    label_support[labels == _UNKNOWN_TO_MODEL] = 1.0
    return label_support, others


def _ranked(weights: Floats, total: Floats, categories: NDArray[np.object_], top: int) -> pa.ListArray:
    """The `top` categories by weight in each row with their share of the total, as an array of structs."""
    top = min(top, weights.shape[1])
    # A stable sort, so that ties have the same order on every machine.
    order = np.argsort(-weights, axis=1, kind="stable")[:, :top]
    share = np.take_along_axis(weights, order, axis=1) / np.maximum(total, 1e-300)[:, None]
    keep = share > 0
    offsets = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [pa.array(categories[order][keep], type=pa.string()), pa.array(share[keep])], names=["category", "probability"]
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values)
