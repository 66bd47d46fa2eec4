"""What a warehouse holds, without what differs from run to run: to compare warehouses that were built apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lifecycle.publications import Publication, publications
from jobs.warehouse.tables import Warehouse
from schemas.tables import BACKFILLS, RUNS, TABLES, Table

Contents = Mapping[str, Counter[str]]
"""Table -> its rows as JSON, with their number."""
_RUN_IDS = ("run_id", "delivery_id", "backfill_id")
_CLOCK = ("encoded_at", "superseded_at", "pinned_at", "erased_at", "fetched_at", "switched_at", "attempts")
"""Times at which something was written, and how often it took; only whether they are null is compared."""


@dataclass(frozen=True)
class Published:
    """What readers see: a publication and its tables."""

    run_id: str
    tables: Contents


def stored(warehouse: Warehouse) -> Contents:
    """The rows of all tables but `runs` and `backfills`, which also record what was interrupted; and all properties.

    Of backfills, only the results of the newest one are compared.
    """
    tables = [table for table in TABLES.values() if table not in (RUNS, BACKFILLS) and warehouse.exists(table)]
    begun = warehouse.read(BACKFILLS).orderBy(F.desc("recorded_at")).first()
    newest = F.lit(begun.backfill_id if begun else "")
    found = _rows(
        {
            table: rows.where(F.col("backfill_id") == newest) if "backfill_id" in table.names else rows
            for table in tables
            for rows in [warehouse.read(table)]
        }
    )
    return {**found, "properties": Counter(each for table in tables for each in _properties(warehouse, table))}


def published(warehouse: Warehouse) -> Published | None:
    """The newest publication as readers see it, all tables at their published versions; None if there is none."""
    found = publications(warehouse)
    return publication_contents(warehouse, found[-1]) if found else None


def publication_contents(warehouse: Warehouse, publication: Publication) -> Published:
    """A publication and its tables."""
    tables = [TABLES[name] for name in publication.published_versions]
    return Published(publication.run_id, _rows({table: publication.read(warehouse, table) for table in tables}))


def finished(warehouse: Warehouse) -> Counter[tuple[str, str, str]]:
    """Job, date and status of the runs that were not interrupted."""
    rows = warehouse.read(RUNS).where("status != 'interrupted'").select("job", "run_date", "status").collect()
    return Counter((row.job, str(row.run_date), row.status) for row in rows)


def differences(found: Contents, expected: Contents) -> str:
    """The tables that differ, with the first rows that only one side has; empty if there are none."""
    lines = []
    for name in sorted(found.keys() | expected.keys()):
        here, there = found.get(name, Counter()), expected.get(name, Counter())
        if here != there:
            more, less = here - there, there - here
            examples = [*list(more)[:2], "instead of", *list(less)[:2]]
            lines.append(f"{name}: {more.total()} rows too many, {less.total()} missing: {examples}")
    return "\n".join(lines)


def _properties(warehouse: Warehouse, table: Table) -> list[str]:
    rows = warehouse.spark.sql(f"SHOW TBLPROPERTIES {warehouse.identifier(table)}").collect()
    return [f"{table.name} {row.key}={row.value}" for row in rows]


def _rows(tables: Mapping[Table, DataFrame]) -> Contents:
    """Read all tables in one query, because most of the time goes into starting one."""
    parts = [
        frame.select(F.lit(table.name).alias("name"), F.to_json(F.struct(*_compared(table))).alias("row"))
        for table, frame in tables.items()
    ]
    found: dict[str, Counter[str]] = {table.name: Counter() for table in tables}
    if parts:
        for row in reduce(DataFrame.unionByName, parts).collect():
            found[row.name][row.row] += 1
    return found


def _compared(table: Table) -> list[Column]:
    return [_value(column.name, column.type) for column in table.columns if column.name not in _RUN_IDS]


def _value(name: str, type_: str) -> Column:
    if name in _CLOCK:
        return F.col(name).isNotNull().alias(name)
    if name == "group_id":  # an erasure names groups after its run
        return F.regexp_replace(name, "^erase-.*", "erase-*").alias(name)
    if type_ == "BINARY":  # pictures and vectors
        return F.xxhash64(name).alias(name)
    return F.col(name)
