"""`python -m benchmarks.spark_scoring NAME SETUP`: serves scoring on Spark, by one of three methods."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from benchmarks.machine import cores
from benchmarks.predictions import COMMON_COLUMNS
from benchmarks.serve import Answer, serve
from conf.load import load_settings
from jobs.warehouse.session import open_session
from schemas.branches import IMAGE, TEXT
from udfs.classify import classify
from udfs.predictor import load_predictor
from udfs.vectors import read_vectors

Array = NDArray[Any]
Score = Callable[[DataFrame, int], DataFrame]
"""(listings, their number) -> predictions, lazily."""

_INPUTS = ("title", "description", "vector", "image_status", "bucket")
_BRANCHES = ("predicted", "text", "image")
_PREDICTED = (
    "predicted_category STRING, confidence DOUBLE, text_category STRING, text_confidence DOUBLE, "
    "image_category STRING, image_confidence DOUBLE, image_status STRING"
)
_RANKED = ", ".join(f"{b}_top_categories ARRAY<STRING>, {b}_top_probabilities ARRAY<DOUBLE>" for b in _BRANCHES)
_ROWS_SETTING = "spark.sql.execution.arrow.maxRecordsPerBatch"


def start() -> Answer:
    """Open a session for the method named on the command line."""
    name, setup = sys.argv[1], json.loads(sys.argv[2])
    # One task per core.
    settings = load_settings("local", [f"spark.master=local[{cores()}]"])
    spark = open_session(settings.spark, name)
    score: Score
    if name == "classify":
        score = _classify(setup["bundle"], settings.classify.top, settings.classify.batch_rows)
    elif name == "predict_batch_udf":
        score = _predict_batch(spark, setup["bundle"], settings.classify.top)
    else:
        score = _pyfunc(spark, setup["registry"], setup["model"])

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Score a folder of Parquet files; write `COMMON_COLUMNS` to the file `collect`, or drop them if it is null."""
        if request["batch_rows"] is not None:
            spark.conf.set(_ROWS_SETTING, request["batch_rows"])
        # One task per core, without a shuffle.
        assert spark.read.parquet(request["listings"]).rdd.getNumPartitions() == cores()
        started = time.perf_counter()
        predictions = score(spark.read.parquet(request["listings"]), request["rows"])
        if request["collect"] is None:
            predictions.write.format("noop").mode("overwrite").save()
        else:
            pq.write_table(pa.Table.from_pandas(predictions.select(*COMMON_COLUMNS).toPandas()), request["collect"])
        return {"seconds": time.perf_counter() - started}

    return answer


def _classify(bundle: str, top: int, batch_rows: int) -> Score:
    """Our method, as `jobs.cleaning.scoring` calls it."""

    def score(listings: DataFrame, rows: int) -> DataFrame:
        return classify(listings, bundle, "1", rows=rows, batch_rows=batch_rows, top=top)

    return score


def _predict_batch(spark: SparkSession, bundle: str, top: int) -> Score:
    """pyspark's: a factory loads the predictor once per worker; inputs and outputs are numpy arrays."""
    kind = StructType.fromDDL(f"{_PREDICTED}, {_RANKED}")
    made: dict[int, Callable[..., Any]] = {}

    def score(listings: DataFrame, _rows: int) -> DataFrame:
        batch = int(spark.conf.get(_ROWS_SETTING) or 0)
        if batch not in made:
            made[batch] = predict_batch_udf(make_predict(bundle, top), return_type=kind, batch_size=batch)
        return listings.select("listing_id", made[batch](*_INPUTS).alias("prediction")).select(
            "listing_id", "prediction.*"
        )

    return score


def make_predict(bundle: str, top: int) -> Callable[[], Callable[..., dict[str, Array]]]:
    """The factory for `predict_batch_udf`: loads the bundle and predicts from arrays of the input columns."""

    def load() -> Callable[..., dict[str, Array]]:
        predictor = load_predictor(bundle, 1)
        names = np.array(predictor.spec.categories, dtype=object)

        def predict(
            titles: Array, descriptions: Array, vectors: Array, status: Array, buckets: Array
        ) -> dict[str, Array]:
            texts = predictor.featurize(titles, descriptions)  # type: ignore[arg-type]
            pictures = read_vectors(pa.array(vectors, pa.binary()))
            prediction = predictor.run(texts, pictures, buckets.astype(np.int64))
            columns: dict[str, Array] = {"image_status": status}
            parts = (prediction.fused, prediction.of(TEXT.name), prediction.of(IMAGE.name))
            for branch, scores in zip(_BRANCHES, parts, strict=True):
                order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
                probabilities = np.exp(np.take_along_axis(scores, order, axis=1).astype(np.float64))
                ranked = names[order]
                ranked[np.isnan(probabilities)] = None
                confidence = "confidence" if branch == "predicted" else f"{branch}_confidence"
                columns |= {f"{branch}_category": ranked[:, 0], confidence: probabilities[:, 0]}
                columns |= {f"{branch}_top_categories": ranked, f"{branch}_top_probabilities": probabilities}
            return columns

        return predict

    return load


def _pyfunc(spark: SparkSession, registry: str, model: str) -> Score:
    """MLflow's: the registered model in this environment. It takes pictures, not their vectors."""
    mlflow.set_tracking_uri(registry)
    mlflow.set_registry_uri(registry)
    udf = mlflow.pyfunc.spark_udf(spark, model, result_type=_PREDICTED, env_manager="local")

    def score(listings: DataFrame, _rows: int) -> DataFrame:
        inputs = F.struct("title", "description", "image", F.col("bucket").cast("long").alias("bucket"))
        return listings.select("listing_id", udf(inputs).alias("prediction")).select("listing_id", "prediction.*")

    return score


if __name__ == "__main__":
    serve(start)
