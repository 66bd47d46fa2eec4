"""Which columns and fields of a Parquet file Spark can read, and as what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

_READ = {"NONE", "STRING", "ENUM", "JSON", "BSON", "DECIMAL", "DATE", "TIMESTAMP", "INT"}
"""What the values of columns may mean for Spark, in Parquet's words."""
_MAX_DIGITS = 38
_OTHER_TYPES: dict[pa.DataType, DataType] = {
    pa.uint8(): ShortType(),
    pa.uint16(): IntegerType(),
    pa.uint32(): LongType(),
    pa.uint64(): DecimalType(20, 0),
    pa.date64(): DateType(),
}
"""Types that Spark reads as others than pyarrow."""


@dataclass(frozen=True)
class Readable:
    """What Spark can read of a file.

    Attributes:
        fields: columns without fields that cannot be read.
        unread: dotted name of a column or field that cannot be read -> why, as the end of a sentence.
    """

    fields: list[StructField] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def readable(file: pq.ParquetFile) -> Readable:
    """Find out which columns and fields Spark can read.

    Spark does not tell names apart that differ only in case, and has no time of day and no number of more than 38
    digits.
    """
    found = Readable()
    leaves = (file.schema.column(place) for place in range(len(file.schema)))
    found.fields.extend(_fields(file.schema_arrow, "", leaves, found.unread))
    return found


def with_texts(stored: pa.DataType, read: DataType) -> DataType:
    """The type that Spark has read, with text in place of the numbers that it makes of columns without a type."""
    if pa.types.is_null(stored):
        return StringType()
    if isinstance(read, StructType):
        fields = [(each.name, with_texts(stored.field(each.name).type, each.dataType)) for each in read.fields]
        return StructType([StructField(name, kind) for name, kind in fields])
    if isinstance(read, ArrayType):
        return ArrayType(with_texts(stored.value_type, read.elementType))
    if isinstance(read, MapType):
        return MapType(with_texts(stored.key_type, read.keyType), with_texts(stored.item_type, read.valueType))
    return read


def _fields(
    fields: Iterable[pa.Field], before: str, leaves: Iterator[pq.ColumnSchema], unread: dict[str, str]
) -> Iterator[StructField]:
    """The fields that can be read; the others are added to `unread`.

    Args:
        fields: of a file, or of a struct.
        before: what precedes their names.
        leaves: the columns of the file that hold values, from the first one of these fields on.
        unread: as in `Readable`.
    """
    fields = list(fields)
    alike = Counter(each.name.lower() for each in fields)
    for each in fields:
        name = f"{before}{each.name}"
        own = dict[str, str]()
        kind = _spark_type(each.type, name, leaves, own)
        if alike[each.name.lower()] > 1:
            unread[name] = "the file has several with this name, or names that differ only in case"
            continue
        unread |= own
        if kind is not None:
            yield StructField(each.name, kind)


def _spark_type(
    kind: pa.DataType, name: str, leaves: Iterator[pq.ColumnSchema], unread: dict[str, str]
) -> DataType | None:
    """The type as which Spark reads a column; None if it has nothing that can be read."""
    if pa.types.is_struct(kind):
        fields = list(_fields(kind, f"{name}.", leaves, unread))
        return StructType(fields) if fields else None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        element = _spark_type(kind.value_type, name, leaves, unread)
        return None if element is None else ArrayType(element)
    if pa.types.is_map(kind):
        key, value = (_spark_type(each, name, leaves, unread) for each in (kind.key_type, kind.item_type))
        return None if key is None or value is None else MapType(key, value)
    leaf = next(leaves)
    meaning = leaf.logical_type.type
    if pa.types.is_null(kind):
        return IntegerType()
    if meaning not in _READ or (meaning == "DECIMAL" and leaf.precision > _MAX_DIGITS):
        unread[name] = f"Spark does not read values of the type {kind}"
        return None
    return _type_of_value(kind, leaf)


def _type_of_value(kind: pa.DataType, leaf: pq.ColumnSchema) -> DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if leaf.physical_type == "INT96":
        return TimestampType()
    if pa.types.is_duration(kind) or (pa.types.is_timestamp(kind) and kind.unit == "ns"):
        return LongType()
    return _OTHER_TYPES.get(kind) or from_arrow_type(kind, prefer_timestamp_ntz=True)
