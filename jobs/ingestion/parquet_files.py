"""Reads Parquet files, of which each may have other columns and types."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs.ingestion.files import escaped
from jobs.ingestion.opening import open_file
from jobs.ingestion.parquet_types import Readable, readable, with_texts
from jobs.ingestion.rows import MALFORMED, Rows
from jobs.ingestion.steps.casts import quoted
from jobs.ingestion.text_files import TextSettings
from schemas.errors import UsageError

_CORRECTED = {"datetimeRebaseMode": "CORRECTED", "int96RebaseMode": "CORRECTED"}
"""Spark would refuse files of Spark 2 with dates before 1900; no listing is of that time."""


def read_parquet(spark: SparkSession, paths: Sequence[str], settings: TextSettings) -> Rows:
    """Read Parquet files. Files of the same columns and types are read together.

    A column or field of type null, as pandas writes one without any value, becomes text: Spark would read numbers.
    Columns and fields that Spark cannot read are left out, unless settings name them.

    Raises:
        UsageError: a file is damaged, or is no Parquet file, or a column that settings name cannot be read.
    """
    alike: dict[tuple[tuple[str, str], ...], tuple[pa.Schema, Readable, list[str]]] = {}
    counted, unread = 0, dict[str, None]()
    for path in paths:
        name = path.rsplit("/", 1)[-1]
        try:
            with open_file(spark, path) as file:
                stored = pq.ParquetFile(file)
                schema, columns = stored.schema_arrow, readable(stored)
                counted += stored.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{name} cannot be read: {error}") from error
        _refuse_unread(name, columns, settings)
        unread |= dict.fromkeys(columns.unread)
        key = tuple((field.name, str(field.type)) for field in schema)
        alike.setdefault(key, (schema, columns, []))[2].append(path)
    frames = tuple(_read_alike(spark, *each) for each in alike.values())
    names = tuple(tuple(path.rsplit("/", 1)[-1] for path in same) for _, _, same in alike.values())
    return Rows(frames, counted, files=names, unread=tuple(unread))


def _refuse_unread(name: str, columns: Readable, settings: TextSettings) -> None:
    """Check that all columns that settings name can be read.

    Raises:
        UsageError: one cannot.
    """
    named = [f"{each.lower()}." for each in (*settings.named, *settings.wanted)]
    for column, fault in columns.unread.items():
        path = f"{column.lower()}."
        if any(path.startswith(each) or each.startswith(path) for each in named):
            raise UsageError(
                f"{name}: column {column!r} cannot be read, because {fault}. Write it as text with a name of its own, "
                "or name another column; --set 'ingest.columns={NAME: null}' leaves a column of listings out."
            )


def _read_alike(spark: SparkSession, schema: pa.Schema, columns: Readable, paths: Sequence[str]) -> DataFrame:
    reader = spark.read.options(**_CORRECTED)
    if columns.unread:
        reader = reader.schema(StructType(columns.fields))
    rows = reader.parquet(*escaped(paths))
    values = [
        quoted(each.name).cast(with_texts(schema.field(each.name).type, each.dataType)).alias(each.name)
        for each in rows.schema.fields
    ]
    return rows.select(*values, F.lit(None).cast("string").alias(MALFORMED))
