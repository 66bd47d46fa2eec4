"""`python -m benchmarks.spark_encoding NAME SETUP`: serves encoding on Spark, by the product's code."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import cores
from benchmarks.serve import Answer, serve
from benchmarks.vectors import VECTOR_COLUMNS
from conf.load import load_settings
from jobs.warehouse.session import open_session
from udfs.picture_features import encode_listings


def start() -> Answer:
    """Open a session with one task per core."""
    name, setup = sys.argv[1], json.loads(sys.argv[2])
    settings = load_settings("local", [f"spark.master=local[{cores()}]"])
    spark = open_session(settings.spark, name)

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Encode a folder of Parquet files; write `VECTOR_COLUMNS` to the file `collect`; null drops them."""
        started = time.perf_counter()
        vectors = encode_listings(
            spark.read.parquet(request["listings"]),
            Path(setup["encoder"]),
            rows=request["rows"],
            batch_rows=settings.picture.batch_rows,
            prefixes=settings.ingest.image_prefixes,
            max_image_bytes=settings.ingest.max_image_bytes,
            **setup["picture"],
        )
        if request["collect"] is None:
            vectors.write.format("noop").mode("overwrite").save()
        else:
            pq.write_table(pa.Table.from_pandas(vectors.select(*VECTOR_COLUMNS).toPandas()), request["collect"])
        return {"seconds": time.perf_counter() - started}

    return answer


if __name__ == "__main__":
    serve(start)
