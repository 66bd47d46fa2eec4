"""Score listings on Spark: a `mapInArrow` function returns the model's predictions for each row.

It reads texts and the kept vectors of pictures, never pictures. Each Python worker loads the bundle once. While the
networks run on one batch, a thread prepares the texts of the next one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from schemas.arrays import Ints
from schemas.branches import BRANCHES
from schemas.tables import PREDICTIONS
from schemas.tensors import Prediction, TextBatch
from udfs.attribute_lists import predict_attributes, reads_titles
from udfs.languages import find_language
from udfs.personal_data import find_personal_data, text_rules
from udfs.predictor import Predictor, load_predictor
from udfs.rankings import first, rank
from udfs.shipping import ship_folder, shipped_folder
from udfs.text import featurize, read_texts
from udfs.vectors import read_vectors

READ = ("listing_id", "content_hash", "title", "description", "currency", "bucket", "vector", "image_status")
"""The columns that scoring reads: of listings, and of the features of their pictures."""
COLUMNS = tuple(c for c in PREDICTIONS.columns if c.name not in ("job", "run_id", "run_date"))
"""The columns that scoring returns: the table predictions without the run's columns."""
_ROWS_PER_TASK = 10_000


@dataclass(frozen=True)
class Scoring:
    """The parameters of scoring in executors.

    Attributes:
        archive: name of the bundle's archive in the Spark session (`udfs.shipping`).
        model_version: stored with every prediction.
        batch_rows: listings per batch; bounds a worker's memory.
        top: number of probabilities to keep per branch.
        threads: CPU cores per task.
        phone_regions: as `regions` in `udfs.personal_data.find_personal_data`.
    """

    archive: str
    model_version: str
    batch_rows: int
    top: int
    threads: int
    phone_regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Texts:
    """What is found in n texts before the networks run.

    Attributes:
        features: the model's input.
        languages: the language of each; None where it is not sure.
        personal_data: the kinds of personal data in each.
        titles: features of the titles alone, from which some attributes are predicted.
    """

    features: TextBatch
    languages: list[str | None]
    personal_data: list[list[str]]
    titles: TextBatch


def classify(
    listings: DataFrame,
    bundle: str,
    model_version: str,
    *,
    rows: int,
    batch_rows: int,
    top: int,
    phone_regions: Sequence[str] = (),
) -> DataFrame:
    """Predict listings. The result is lazy: write it to a table before reading it more than once.

    Args:
        listings: the columns of `READ`; one row per listing. `vector` is of the bundle's picture encoder, float16,
            little-endian, and null unless `image_status` is ok.
        bundle: the bundle's folder on the driver.
        model_version: version of the model.
        rows: approximate number of listings; determines the number of tasks.
        batch_rows, top, phone_regions: as in `Scoring`.

    Returns:
        One row per listing with the columns of `COLUMNS`. `predicted_category` is null if a listing has neither a
        usable picture nor any feature in the model's vocabulary.
    """
    spark = listings.sparkSession
    context = spark.sparkContext
    scoring = Scoring(
        archive=ship_folder(spark, Path(bundle)),
        model_version=model_version,
        batch_rows=batch_rows,
        top=top,
        threads=int(context.getConf().get("spark.task.cpus", "1") or 1),
        phone_regions=tuple(phone_regions),
    )
    slots = context.defaultParallelism
    # Rows without pictures are small; adaptive execution would coalesce all of them into one task.
    tasks = slots * math.ceil(max(rows, 1) / (slots * _ROWS_PER_TASK))
    schema = ", ".join(f"{c.name} {c.type}" for c in COLUMNS)
    return listings.select(*READ).repartition(tasks).mapInArrow(make_classify(scoring), schema)


def make_classify(scoring: Scoring) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Make a function for `mapInArrow`; its closure contains only parameters, not the model."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        predictor = loaded_predictor(str(shipped_folder(scoring.archive)), scoring.threads)
        yield from score_batches(batches, predictor, scoring)

    return run


@cache
def loaded_predictor(folder: str, threads: int) -> Predictor:
    """Load a bundle once per worker process, for all its tasks."""
    return load_predictor(folder, threads)


def score_batches(
    batches: Iterable[pa.RecordBatch], predictor: Predictor, scoring: Scoring
) -> Iterator[pa.RecordBatch]:
    """Score batches in order; a thread prepares the next batch while the networks run on this one."""
    pieces = (
        batch.slice(start, scoring.batch_rows)
        for batch in batches
        for start in range(0, batch.num_rows, scoring.batch_rows)
    )

    def prepare(piece: pa.RecordBatch) -> Texts:
        return read_listings(piece, predictor, scoring.phone_regions)

    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
        piece = next(pieces, None)
        waiting = ahead.submit(prepare, piece) if piece is not None else None
        while piece is not None and waiting is not None:
            texts = waiting.result()
            # Only this thread may read rows from Spark, so only the texts are prepared ahead.
            following = next(pieces, None)
            waiting = ahead.submit(prepare, following) if following is not None else None
            buckets = np.asarray(piece.column("bucket"), dtype=np.int64)
            vectors = read_vectors(piece.column("vector"))
            prediction = predictor.run(texts.features, vectors, buckets)
            attributes = predict_attributes(predictor.attributes.heads, texts.titles, texts.features, vectors, buckets)
            yield _prediction_batch(piece, buckets, texts, prediction, attributes, predictor, scoring)
            piece = following


def read_listings(piece: pa.RecordBatch, predictor: Predictor, phone_regions: Sequence[str]) -> Texts:
    """Prepare the texts of listings for the networks, and find their language and personal data."""
    titles, descriptions = (read_texts(piece.column(name)) for name in ("title", "description"))
    languages = [find_language(*texts) for texts in zip(titles, descriptions, strict=True)]
    personal_data = [
        find_personal_data(title, description, language=language, currency=currency, regions=phone_regions)
        for title, description, language, currency in zip(
            titles, descriptions, languages, read_texts(piece.column("currency")), strict=True
        )
    ]
    read_alone = titles if reads_titles(predictor.attributes.heads) else []
    # Heads read words only, so the titles alone need no vectors of a text encoder.
    alone = featurize(read_alone, [None] * len(read_alone), **predictor.spec.text)  # type: ignore[arg-type]
    return Texts(predictor.featurize(titles, descriptions), languages, personal_data, alone)


def _prediction_batch(
    piece: pa.RecordBatch,
    buckets: Ints,
    texts: Texts,
    prediction: Prediction,
    attributes: pa.Array,
    predictor: Predictor,
    scoring: Scoring,
) -> pa.RecordBatch:
    categories = predictor.spec.categories
    rows = len(buckets)
    fused = rank(prediction.fused, categories, scoring.top)
    columns = {
        "listing_id": piece.column("listing_id"),
        "content_hash": piece.column("content_hash"),
        "model_version": pa.array([scoring.model_version] * rows, pa.string()),
        "fold": pa.array((buckets % predictor.spec.text_members).astype(np.int32)),
        "predicted_category": first(fused, "category"),
        "confidence": first(fused, "probability"),
        "top_categories": fused,
        "image_status": piece.column("image_status"),
        "novelty": pa.array(prediction.novelty, mask=np.isnan(prediction.novelty)),
        "personal_data": pa.array(texts.personal_data, pa.list_(pa.string())),
        "language": pa.array(texts.languages, pa.string()),
        "attributes": attributes,
        "text_rules": pa.array([text_rules(scoring.phone_regions)] * rows, pa.string()),
    }
    for branch in (each.name for each in BRANCHES if each.stored):
        ranking = rank(prediction.of(branch), categories, scoring.top)
        columns |= {
            f"{branch}_top": ranking,
            f"{branch}_category": first(ranking, "category"),
            f"{branch}_confidence": first(ranking, "probability"),
        }
    return pa.RecordBatch.from_pydict({c.name: columns[c.name] for c in COLUMNS})
