"""Explain decisions on Spark: a `mapInArrow` function finds the words that speak for a category, and the sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from schemas.arrays import Floats32, Ints
from schemas.reasons import CategoryAction, CategorySource
from schemas.successors import Successors
from schemas.tables import EXPLANATIONS
from udfs.classify import loaded_predictor
from udfs.explanation_sentences import Evidence, explain_in_words
from udfs.predictor import Predictor
from udfs.shipping import ship_folder, shipped_folder
from udfs.text import join_texts, read_texts
from udfs.word_weights import Question, Word, word_weights

TEXTS = ("title", "description", "bucket", "in_taxonomy", "suggested_posterior")
"""The columns that explaining reads besides those that it returns."""
FOUND = ("sentence", "suggested_words", "seller_words")
"""The columns that explaining adds."""
COLUMNS = tuple(c for c in EXPLANATIONS.columns if c.name not in ("similar", "run_id", "run_date"))
"""The columns that explaining returns."""
_WORDS = pa.list_(pa.struct([("word", pa.string()), ("weight", pa.float64())]))
_AT_ONCE = 16
"""Listings whose texts, without each of their words, go through the network together."""
_ROWS_PER_TASK = 200
_LIKELY = 0.5
"""Posterior from which a suggestion is put as a belief, not as a possibility."""
_SAID = [
    "category",
    "in_taxonomy",
    "suggested_category",
    "suggested_posterior",
    "category_action",
    "category_source",
    "text_suggested",
    "text_seller",
    "image_suggested",
    "image_seller",
    "seller_error_rate",
    "seller_listings",
]
"""What the sentence is about."""


def explain_listings(
    listings: DataFrame, bundle: str, names: Mapping[str, str], successors: Successors, *, rows: int
) -> DataFrame:
    """Find the words that speak for and against the suggestions, and say it in a sentence. The result is lazy.

    Args:
        listings: the columns of `TEXTS`, and of `COLUMNS` without `FOUND`; one row per listing.
        bundle: the bundle's folder on the driver.
        names: category -> its label in the taxonomy.
        successors: former categories, which the network may know, with those that have taken their places.
        rows: approximate number of listings; determines the number of tasks.

    Returns:
        One row per listing with the columns of `COLUMNS`.
    """
    context = listings.sparkSession.sparkContext
    archive, slots = ship_folder(listings.sparkSession, Path(bundle)), context.defaultParallelism
    threads = int(context.getConf().get("spark.task.cpus", "1") or 1)
    # A task has to load the network, unless its worker has scored listings before.
    tasks = max(min(slots * math.ceil(rows / 10_000), math.ceil(rows / _ROWS_PER_TASK)), 1)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        predictor = loaded_predictor(str(shipped_folder(archive)), threads)
        for batch in batches:
            yield explain_batch(batch, predictor, names, successors)

    read = [*(c.name for c in COLUMNS if c.name not in FOUND), *TEXTS]
    schema = ", ".join(f"{c.name} {c.type}" for c in COLUMNS)
    return listings.select(*read).repartition(tasks).mapInArrow(cast("Callable[..., Any]", run), schema)


def explain_batch(
    rows: pa.RecordBatch, predictor: Predictor, names: Mapping[str, str], successors: Successors
) -> pa.RecordBatch:
    """Explain listings; see `explain_listings`."""
    codes: dict[str, int] = {}
    for i, code in enumerate(predictor.spec.categories):
        # Of merged categories, the first one's words are shown.
        codes.setdefault(successors.get(code, code), i)
    labels, suggestions = (rows.column(name).to_pylist() for name in ("category", "suggested_category"))
    words: list[tuple[tuple[Word, ...], tuple[Word, ...]]] = [((), ())] * rows.num_rows
    max_chars = int(cast("int", predictor.spec.text["max_chars"]))
    texts = join_texts(read_texts(rows.column("title")), read_texts(rows.column("description")), max_chars)
    buckets = np.asarray(rows.column("bucket"), np.int64)
    # The network can weigh a pair only if it knows the suggestion.
    asked = [i for i, suggestion in enumerate(suggestions) if suggestion in codes and texts[i].strip()]
    for start in range(0, len(asked), _AT_ONCE):
        some = np.array(asked[start : start + _AT_ONCE])

        def read(variants: Sequence[str], questions: Ints, own: Ints = buckets[some]) -> Floats32:
            return predictor.read(variants, own[questions])

        questions = [Question(texts[i], codes[suggestions[i]], codes.get(labels[i] or "")) for i in some]
        for i, found in zip(some, word_weights(questions, read, max_chars), strict=True):
            words[i] = found
    sentences = [
        explain_in_words(_evidence(row, names, [word.word for word in found]))
        for row, (found, _) in zip(rows.select(_SAID).to_pylist(), words, strict=True)
    ]
    added = {
        "sentence": pa.array(sentences, pa.string()),
        "suggested_words": _as_structs([each[0] for each in words]),
        "seller_words": _as_structs([each[1] for each in words]),
    }
    kept = {c.name: rows.column(c.name) for c in COLUMNS if c.name not in added}
    return pa.RecordBatch.from_pydict({c.name: (kept | added)[c.name] for c in COLUMNS})


def _evidence(row: Mapping[str, Any], names: Mapping[str, str], words: Sequence[str]) -> Evidence:
    label, suggestion = row["category"], row["suggested_category"]
    is_corrected = row["category_action"] == CategoryAction.CORRECTED.value
    return Evidence(
        label=names.get(label, label) if row["in_taxonomy"] else label,
        is_known=bool(row["in_taxonomy"]),
        suggestion=names.get(suggestion, suggestion),
        has_input=row["text_suggested"] is not None or row["image_suggested"] is not None,
        by_person=row["category_source"] == CategorySource.REVIEWER.value,
        is_certain=is_corrected or (row["suggested_posterior"] or 0.0) >= _LIKELY,
        words=words,
        text=(row["text_suggested"], row["text_seller"]),
        image=(row["image_suggested"], row["image_seller"]),
        error_rate=row["seller_error_rate"],
        listings=row["seller_listings"],
    )


def _as_structs(words: Sequence[Sequence[Word]]) -> pa.Array:
    return pa.array([[each._asdict() for each in some] for some in words], _WORDS)
