"""The names under which temporary tables are stored. Outside of local folders, each is used once.

Delta's log store with DynamoDB remembers the commits of a table that has been removed, and refuses a new table in its
place. A temporary table often has the name of an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from secrets import token_hex

from pyspark.sql import SparkSession

from jobs.warehouse.address import Address, quote_name, schema_folder, table_folder
from jobs.warehouse.folders import delete_folder, list_folder, open_path
from jobs.warehouse.sql import safe_name

STAGING_FOLDER = "_staging"
"""Folder of the temporary tables in a folder or URI."""
STAGED = "staging_"
"""Beginning of the names of temporary tables in a catalogue."""
_ENDING = re.compile(r"__[0-9a-f]{8}\Z")


def stored_name(name: str, stored: Iterable[str]) -> str:
    """The stored name of a temporary table; one that has not been used yet if no stored name is its."""
    safe = safe_name(name)
    return next((each for each in stored if plain_name(each) == safe), f"{safe}__{token_hex(4)}")


def plain_name(stored: str) -> str:
    """The name of a temporary table without the ending that `stored_name` has added, if there is one."""
    return _ENDING.sub("", stored)


def stored_names(spark: SparkSession, address: Address) -> list[str]:
    """The stored names of all temporary tables."""
    if not address.schema:
        return list_folder(spark, str(address.path(STAGING_FOLDER)))
    tables = spark.sql(f"SHOW TABLES IN {quote_name(*address.schema)} LIKE '{STAGED}*'").collect()
    return [row.tableName.removeprefix(STAGED) for row in tables]


def all_stored_names(spark: SparkSession, address: Address) -> list[str]:
    """The stored names of all temporary tables, and of those that a catalogue does not know.

    A run that is killed while it writes a table leaves its folder: the table is registered when it is complete. Only
    Spark's own catalogue says where that is.
    """
    registered, folder = stored_names(spark, address), schema_folder(spark, address)
    names = list_folder(spark, folder) if folder is not None else []
    found = [name.removeprefix(STAGED) for name in names if name.startswith(STAGED)]
    return [*registered, *(name for name in found if name not in registered)]


def remove_staged(spark: SparkSession, address: Address, name: str) -> None:
    """Remove all temporary tables of a name."""
    for stored in all_stored_names(spark, address):
        if safe_name(name) not in (stored, plain_name(stored)):
            continue
        if not address.schema:
            delete_folder(spark, f"{address.path(STAGING_FOLDER)}/{stored}")
            continue
        spark.sql(f"DROP TABLE IF EXISTS {address.sql_name(STAGED + stored)}")
        if (path := table_folder(spark, address, STAGED + stored)) is not None:
            folder, file_system = open_path(spark, path)
            file_system.delete(folder, True)  # not renamed before: then nobody would know what it is
