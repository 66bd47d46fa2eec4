"""Tables that another version of this program wrote: what they lack, and whether they can be used.

Declarations only grow. A table that lacks a declared column is read with nulls there, and gets the column before the
next write. A column of another type, or a table of a newer version, stops the command before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from schemas.errors import FailedError
from schemas.tables import Table

VERSION_PROPERTY = "catalog-cleaner.version"
"""The property of a Delta table that keeps `Table.version`; a table without it is of version 1."""


def declared_schema(table: Table) -> StructType:
    """The declared columns as Spark's type; every column may be null."""
    return cast("StructType", StructType.fromDDL(table.ddl))


def stored_version(table: Table, properties: Mapping[str, str]) -> int:
    """The version of the declaration that a stored table follows.

    Args:
        table: the declaration.
        properties: the stored table's properties.

    Raises:
        FailedError: a newer version of the program wrote the table.
    """
    version = int(properties.get(VERSION_PROPERTY, "1"))
    if version > table.version:
        raise FailedError(
            f"Table {table.name} has version {version}, but this catalog-cleaner knows only version {table.version}: "
            "a newer one wrote it. Upgrade catalog-cleaner."
        )
    return version


def missing_columns(table: Table, stored: StructType) -> dict[str, str]:
    """The declared columns and nested fields that a stored table lacks.

    Returns:
        The column's path, as ALTER TABLE takes it (`reasons`, `top_categories.element.rank`) -> its type as DDL.

    Raises:
        FailedError: a column is stored with another type than the declared one.
    """
    missing: dict[str, str] = {}
    for path, wanted, found in _compare("", declared_schema(table), stored):
        if found is not None:
            raise FailedError(
                f"Table {table.name}: column {path} is stored as {found.simpleString().upper()}, but this "
                f"catalog-cleaner needs {wanted.simpleString().upper()}. Use the version of catalog-cleaner that wrote "
                "the table, or rewrite the column with the type that is needed."
            )
        missing[path] = wanted.simpleString()
    return missing


def as_declared(rows: DataFrame, table: Table, *others: str) -> DataFrame:
    """Rows of a stored table with exactly the declared columns; null where the stored table lacks one.

    Args:
        rows: as stored, of any version.
        table: the declaration.
        others: further columns of `rows` to keep, after the declared ones.

    Raises:
        FailedError: a column is stored with another type than the declared one.
    """
    if not missing_columns(table, rows.schema):
        return rows.select(*table.names, *others)
    kept = [rows.schema[name] for name in others]
    return rows.to(StructType([*declared_schema(table).fields, *kept]))


def _compare(path: str, wanted: DataType, found: DataType) -> Iterator[tuple[str, DataType, DataType | None]]:
    """Path, wanted and found type of all that differs; the found type is None where nothing is stored."""
    match wanted, found:
        case StructType(), StructType():
            for field in wanted.fields:
                name = f"{path}.{field.name}" if path else field.name
                if field.name in found.names:
                    yield from _compare(name, field.dataType, found[field.name].dataType)
                else:
                    yield name, field.dataType, None
        case ArrayType(), ArrayType():
            yield from _compare(f"{path}.element", wanted.elementType, found.elementType)
        case MapType(), MapType():
            yield from _compare(f"{path}.key", wanted.keyType, found.keyType)
            yield from _compare(f"{path}.value", wanted.valueType, found.valueType)
        case _:
            if wanted != found:
                yield path, wanted, found
