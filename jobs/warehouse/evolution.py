"""Schema evolution: compares stored tables with their declarations in `schemas.tables`.

Declarations only gain columns. If a stored table lacks a declared column, it is read as null, and the column is added
before the next write. A column of another type, or a table of a newer version, ends the command before it writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from jobs.warehouse.sql import properties_list
from schemas.errors import FailedError
from schemas.tables import Table

VERSION_PROPERTY = "catalog-cleaner.version"
"""The table property with `Table.version`; a table without it has version 1."""


def declared_schema(table: Table) -> StructType:
    """The declared columns as a Spark schema; all columns are nullable."""
    return cast("StructType", StructType.fromDDL(table.ddl))


def stored_version(table: Table, properties: Mapping[str, str]) -> int:
    """The version of a stored table.

    Args:
        table: the declaration.
        properties: properties of the stored table.

    Raises:
        FailedError: the table was written by a newer version of this program.
    """
    version = int(properties.get(VERSION_PROPERTY, "1"))
    if version > table.version:
        raise FailedError(
            f"table {table.name} has version {version}, but this catalog-cleaner supports only version "
            f"{table.version}: a newer catalog-cleaner wrote it. Upgrade catalog-cleaner."
        )
    return version


def missing_columns(table: Table, stored: StructType) -> dict[str, str]:
    """Find the declared columns and nested fields that a stored table lacks.

    Returns:
        Path of the column for ALTER TABLE (`reasons`, `top_categories.element.rank`) -> its type as DDL.

    Raises:
        FailedError: a column is stored with a type other than the declared one.
    """
    missing: dict[str, str] = {}
    for path, declared, stored_type in _differences("", declared_schema(table), stored):
        if stored_type is not None:
            raise FailedError(
                f"table {table.name}: column {path} is stored as {stored_type.simpleString().upper()}, but this "
                f"catalog-cleaner needs {declared.simpleString().upper()}. Use the version of catalog-cleaner that "
                "wrote the table, or rewrite the column with the required type."
            )
        missing[path] = declared.simpleString()
    return missing


def as_declared(rows: DataFrame, table: Table, *others: str) -> DataFrame:
    """Select exactly the declared columns from a stored table; columns that it lacks are null.

    Args:
        rows: rows of the stored table.
        table: the declaration.
        others: further columns of `rows` to keep after the declared ones.

    Raises:
        FailedError: a column is stored with a type other than the declared one.
    """
    if not missing_columns(table, rows.schema):
        return rows.select(*table.names, *others)
    kept = [rows.schema[name] for name in others]
    return rows.to(StructType([*declared_schema(table).fields, *kept]))


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """Select exactly the declared columns in their order, cast to their types.

    Raises:
        FailedError: columns are missing; the message lists them.
    """
    missing = [name for name in table.names if name not in rows.columns]
    if missing:
        raise FailedError(
            f"rows for table {table.name} lack the columns {', '.join(missing)}; they have {', '.join(rows.columns)}."
        )
    return rows.select(*(F.col(c.name).cast(c.type).alias(c.name) for c in table.columns))


def _differences(path: str, declared: DataType, stored: DataType) -> Iterator[tuple[str, DataType, DataType | None]]:
    """Path, declared type and stored type of all differences; the stored type is None if the field is missing."""
    match declared, stored:
        case StructType(), StructType():
            for field in declared.fields:
                name = f"{path}.{field.name}" if path else field.name
                if field.name in stored.names:
                    yield from _differences(name, field.dataType, stored[field.name].dataType)
                else:
                    yield name, field.dataType, None
        case ArrayType(), ArrayType():
            yield from _differences(f"{path}.element", declared.elementType, stored.elementType)
        case MapType(), MapType():
            yield from _differences(f"{path}.key", declared.keyType, stored.keyType)
            yield from _differences(f"{path}.value", declared.valueType, stored.valueType)
        case _:
            if declared != stored:
                yield path, declared, stored


def properties_clause(table: Table, others: Mapping[str, str] | None = None) -> str:
    """The properties of a new version of a table, for Spark SQL; `others` are those that it may have besides."""
    return properties_list({**(others or {}), **dict(table.properties), VERSION_PROPERTY: str(table.version)})
