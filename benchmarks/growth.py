"""`python -m benchmarks.growth`: how a warehouse grows over many nights, with and without weekly maintenance.

The nights are simulated: each overwrites a state table, adds a few rows to a log and records a publication, and then a
day passes.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import functions as F
from rich.console import Console

from benchmarks.passing_days import pass_days
from conf.load import load_settings
from jobs.console.job import Job
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import read_published
from jobs.lifecycle.run_log import RunRecord, record
from jobs.maintain import maintain
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.tables import LISTING_CHANGES, LISTINGS, RUNS, SELLERS, TAXONOMY, Table

_TABLES = (SELLERS, LISTING_CHANGES, RUNS)
_KEEP_DAYS = 20


def main(
    nights: Annotated[int, typer.Option("--nights", min=1, help="Number of simulated nights.")] = 168,
    every: Annotated[int, typer.Option("--every", min=0, help="Days between maintenances; 0: none.")] = 7,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows that a night writes.")] = 1000,
) -> None:
    """Print the files, bytes and log entries of the tables every four weeks, and how long maintenance takes."""
    settings = load_settings("test", [f"maintain.keep_days={_KEEP_DAYS}"])
    spark = open_session(settings.spark, "growth")
    with tempfile.TemporaryDirectory() as folder:
        warehouse = open_warehouse(spark, f"{folder}/warehouse")
        for table in (LISTINGS, TAXONOMY):
            warehouse.create(table)
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=nights)
        typer.echo(f"{'night':>6} {'files':>7} {'KiB':>8} {'log':>6}  maintenance")
        for night in range(1, nights + 1):
            now = start + dt.timedelta(days=night)
            _night(warehouse, night, now, rows)
            took = ""
            if every and night % every == 0:
                began = time.perf_counter()
                maintain(Job("maintain", settings, warehouse.address, lambda: warehouse, now, Console(quiet=True)))
                took = f"{time.perf_counter() - began:.1f} s"
                _check(warehouse, night)
            if night % 28 == 0 or night == nights:
                typer.echo(f"{night:>6} {_sizes(warehouse)}  {took}")
            pass_days(warehouse, 1)
    spark.stop()


def _night(warehouse: Warehouse, night: int, now: dt.datetime, rows: int) -> None:
    """Write the tables of a night, and publish."""
    ids = warehouse.spark.range(rows).select((F.col("id") + night * rows).cast("string").alias("id"))

    def filled(table: Table, key: str) -> None:
        rest = {c.name: F.lit(None).cast(c.type) for c in table.columns if c.name != key}
        values = ids.select(F.col("id").alias(key)).withColumns(rest)
        if table.kind == "state":
            values = values.withColumn("error_rate", F.lit(float(night)))
        (warehouse.overwrite if table.kind == "state" else warehouse.append)(table, values)

    filled(SELLERS, "seller_id")
    filled(LISTING_CHANGES, "listing_id")
    versions = {table.name: version for table in _TABLES[:2] if (version := warehouse.version(table)) is not None}
    before = f"n-{night - 1}" if night > 1 else None
    pins = Pins("7", 0, 0, None, before)
    record(
        warehouse,
        RunRecord(f"n-{night}", "nightly", now.date(), "published", "s", {}, now, now, pins, None, versions),
    )


def _check(warehouse: Warehouse, night: int) -> None:
    """The oldest publication that should be readable is."""
    oldest = max(night - _KEEP_DAYS, 1)
    rates = {row.error_rate for row in read_published(warehouse, SELLERS.name, f"n-{oldest}").collect()}
    if rates != {float(oldest)}:
        raise AssertionError(f"publication n-{oldest} has the rates {rates} in night {night}")


def _sizes(warehouse: Warehouse) -> str:
    files = [file for table in _TABLES for file in Path(warehouse.location, table.name).rglob("*")]
    files = [file for file in files if file.is_file() and file.suffix != ".crc"]
    log = sum("_delta_log" in file.parts for file in files)
    kib = sum(file.stat().st_size for file in files) / 1024
    return f"{len(files) - log:>7,} {kib:>8,.0f} {log:>6,}"


if __name__ == "__main__":
    typer.run(main)
