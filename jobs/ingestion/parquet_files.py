"""Reads Parquet files, of which each may have other columns and types."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ingestion.files import escaped
from jobs.ingestion.opening import open_file
from jobs.ingestion.rows import MALFORMED, Rows
from jobs.ingestion.steps.casts import quoted
from schemas.errors import UsageError

_CORRECTED = {"datetimeRebaseMode": "CORRECTED", "int96RebaseMode": "CORRECTED"}
"""Spark would refuse files of Spark 2 with dates before 1900; no listing is of that time."""


def read_parquet(spark: SparkSession, paths: Sequence[str]) -> Rows:
    """Read Parquet files. Files of the same columns and types are read together.

    A column of type null, as pandas writes one without any value, becomes text: Spark would read numbers.

    Raises:
        UsageError: a file is damaged, or is no Parquet file.
    """
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    counted = 0
    for path in paths:
        schema, rows = _footer(spark, path)
        counted += rows
        columns = tuple((field.name, str(field.type)) for field in schema)
        alike.setdefault(columns, []).append(path)
    frames = tuple(_read_alike(spark, columns, same) for columns, same in alike.items())
    names = tuple(tuple(path.rsplit("/", 1)[-1] for path in same) for same in alike.values())
    return Rows(frames, counted, files=names)


def _footer(spark: SparkSession, path: str) -> tuple[pa.Schema, int]:
    """The columns of a file and its number of rows, as its footer says."""
    try:
        with open_file(spark, path) as file:
            stored = pq.ParquetFile(file)
            return stored.schema_arrow, stored.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path.rsplit('/', 1)[-1]} cannot be read: {error}") from error


def _read_alike(spark: SparkSession, columns: Sequence[tuple[str, str]], paths: Sequence[str]) -> DataFrame:
    rows = spark.read.options(**_CORRECTED).parquet(*escaped(paths))
    nothing = F.lit(None).cast("string")
    values = [nothing.alias(name) if kind == "null" else quoted(name) for name, kind in columns]
    return rows.select(*values, nothing.alias(MALFORMED))
