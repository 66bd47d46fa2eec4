"""The pictures of a delivery: bytes, base64 text, or what Hugging Face's and Spark's tools make of picture files."""

from __future__ import annotations

from typing import TypeGuard

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, StringType, StructType

from jobs.ingestion.steps import casts
from udfs.spark_images import encode_udf

_SPARK_IMAGE = {"height", "width", "nChannels", "mode", "data"}
"""Fields of Spark's image data source, besides origin."""
_BYTES, _PATH = "bytes", "path"


def is_picture(kind: DataType) -> bool:
    """Whether values of a type are pictures."""
    return isinstance(kind, BinaryType | StringType) or _is_spark_image(kind) or _is_hugging_face(kind)


def delivered_picture(value: Column, kind: DataType) -> Column:
    """The encoded picture; null if there is none. The pixels of Spark's image data source become a PNG."""
    if _is_spark_image(kind):
        return encode_udf()(value)
    if _is_hugging_face(kind):
        return casts.image(value.getField(_BYTES), kind[_BYTES].dataType)
    return casts.image(value, kind)


def path_of_picture(value: Column, kind: DataType) -> Column:
    """The path of a Hugging Face picture that is a file of its own; null if the bytes are there."""
    if not _is_hugging_face(kind):
        return F.lit(None)
    return F.when(F.coalesce(F.octet_length(value.getField(_BYTES)), F.lit(0)) == 0, value.getField(_PATH))


def has_paths(kind: DataType) -> bool:
    """Whether pictures of a type may be paths."""
    return _is_hugging_face(kind)


def _is_spark_image(kind: DataType) -> bool:
    return isinstance(kind, StructType) and set(kind.names) >= _SPARK_IMAGE


def _is_hugging_face(kind: DataType) -> TypeGuard[StructType]:
    return (
        isinstance(kind, StructType)
        and set(kind.names) == {_BYTES, _PATH}
        and isinstance(kind[_BYTES].dataType, BinaryType | StringType)
    )
