"""`python -m benchmarks.backfill`: what a backfill costs, against the first night of the same catalogue.

It measures past dates on which a few listings were changed, and archives with pictures. Both are compared with a first
night: in the same run, on the same machine.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.memory import Part
from benchmarks.processes import command_line, start_program
from benchmarks.work_folder import ROOT, WorkFolder, open_work_folder
from benchmarks.workspace import ingest
from catalogue_generator.catalogue import LISTINGS_FILE, TAXONOMY_FILE, write_catalogue
from catalogue_generator.spec import CatalogueSpec
from conf.load import load_settings
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.bundle import FORMAT
from schemas.tables import BACKFILL_PREDICTIONS, LISTING_CHANGES, RUNS

_MIB = 2**20


@dataclass(frozen=True)
class _Ran:
    """A command: its seconds from start to end of its process, its summary, and the peak memory in MiB."""

    seconds: float
    summary: dict[str, object]
    worker: float
    java: float


def main(
    listings: Annotated[int, typer.Option("--listings", min=500, help="Listings of the catalogue.")] = 3000,
    days: Annotated[int, typer.Option("--days", min=2, help="Past dates.")] = 30,
    share: Annotated[float, typer.Option("--share", min=0.0, max=1.0, help="Listings changed on each date.")] = 0.01,
    archives: Annotated[
        str, typer.Option("--archives", help="Sizes of archives with pictures, separated by commas; empty: none.")
    ] = "5000,10000",
    work: Annotated[
        Path, typer.Option("--work", help="Folder that keeps catalogues and models for the next run.")
    ] = ROOT / ".cache" / "bench",
) -> None:
    """Print the seconds and the memory of backfills, and their ratio to a first night."""
    with open_work_folder(work) as folder:
        _measure_days(folder, listings, days, share)
        for size in (int(size) for size in archives.split(",") if size):
            _measure_archive(folder, _trained(folder, listings), size)


def _measure_days(work: WorkFolder, listings: int, days: int, share: float) -> None:
    source = _trained(work, listings)
    warehouse = work.scratch / "days"
    shutil.copytree(source / "warehouse", warehouse)
    today = dt.datetime.now(dt.UTC).date()
    night = _run(work, "nightly", "--warehouse", warehouse, "--run-date", str(today))
    changed = _make_history(warehouse, today, days, share)
    first = today - dt.timedelta(days=days)
    last = today - dt.timedelta(days=1)
    words = ("--warehouse", warehouse, "--from", str(first), "--to", str(last))
    backfill = _run(work, "backfill", *words)
    judged = int(str(backfill.summary["rows_current"]))
    twice = _predicted_twice(warehouse)
    typer.echo(f"first night of {listings:,} listings: {night.seconds:.1f} s")
    typer.echo(
        f"{days} dates, {changed:,} changes: {backfill.seconds:.1f} s, {backfill.seconds / days:.1f} s a date, "
        f"{backfill.seconds / night.seconds:.1f} first nights; {judged:,} contents judged, {twice} of them twice"
    )
    shutil.rmtree(warehouse)


def _measure_archive(work: WorkFolder, source: Path, size: int) -> None:
    """Compare an archive with the first night of a catalogue of the same size; the model has learnt neither."""
    delivered = work.scratch / f"archive-{size}"
    write_catalogue(delivered, CatalogueSpec(listings=size, seed=77))
    files, taxonomy = delivered / LISTINGS_FILE, delivered / TAXONOMY_FILE
    night_in, archive_in = work.scratch / f"night-{size}", work.scratch / f"with-archive-{size}"
    ingest(work, night_in, files, taxonomy)
    shutil.copytree(source / "warehouse" / "mlflow", night_in / "mlflow")
    shutil.copytree(source / "warehouse", archive_in)
    night = _run(work, "nightly", "--warehouse", night_in, "--run-date", str(dt.datetime.now(dt.UTC).date()))
    archive = _run(work, "backfill", "--warehouse", archive_in, "--listings", files)
    for name, ran in (("first night", night), ("archive", archive)):
        typer.echo(
            f"{name} of {size:,} listings with pictures: {ran.seconds:.1f} s, {size / ran.seconds:.1f} a second, "
            f"largest Python worker {ran.worker:,.0f} MiB, JVM {ran.java:,.0f} MiB"
        )
    for folder in (delivered, night_in, archive_in):
        shutil.rmtree(folder)


def _trained(work: WorkFolder, listings: int) -> Path:
    """A folder with the warehouse of a generated catalogue with a model, before its first night."""
    spec = CatalogueSpec(listings=listings, seed=7)

    def make(folder: Path) -> None:
        write_catalogue(folder, spec)
        ingest(work, folder / "warehouse", folder / LISTINGS_FILE, folder / TAXONOMY_FILE)
        _run(work, "train", "--warehouse", folder / "warehouse", "--set", "train.image_epochs=2")

    made_from: dict[str, object] = {"listings": listings, "seed": spec.seed, "format": FORMAT}
    return work.prepare(f"backfill-{listings}", made_from, make)


def _run(work: WorkFolder, *words: str | Path) -> _Ran:
    """Run a command in its own process."""
    work.say(" ".join(map(str, words)))
    started = time.perf_counter()
    with start_program(work, command_line(*words, "--json")) as program:
        summary = json.loads(program.finish().splitlines()[-1])
        seconds = time.perf_counter() - started
        peaks = program.monitor.peaks
    return _Ran(seconds, summary, peaks[Part.WORKERS].largest / _MIB, peaks[Part.JVM].largest / _MIB)


def _make_history(folder: Path, today: dt.date, days: int, share: float) -> int:
    """Let the catalogue have been delivered `days` ago, and listings have got new titles on each date since.

    Returns:
        The number of changes.
    """
    spark = open_session(load_settings("local").spark, "history")
    warehouse = open_warehouse(spark, str(folder))
    first = today - dt.timedelta(days=days)
    runs = warehouse.read(RUNS).collect()
    [delivered] = [row for row in runs if row.job == "ingest"]
    began = {"run_date": first, "finished_at": dt.datetime.combine(first, dt.time(3))}
    rows = [row.asDict() | (began if row.run_id == delivered.run_id else {}) for row in runs]
    changes = warehouse.read(LISTING_CHANGES).where(F.col("delivery_id") == delivered.run_id)
    for day in range(1, days):
        date = first + dt.timedelta(days=day)
        run_id = f"ingest-{date}-{day:06}"
        ended = dt.datetime.combine(date, dt.time(3))
        own = {"run_id": run_id, "run_date": date, "started_at": ended, "finished_at": ended}
        rows.append(delivered.asDict() | own)
        warehouse.append(LISTING_CHANGES, _renamed(changes, run_id, ended, day, share))
    values = [tuple(row[name] for name in RUNS.names) for row in rows]
    warehouse.overwrite(RUNS, spark.createDataFrame(values, RUNS.ddl))
    changed = warehouse.read(LISTING_CHANGES).where("change = 'updated'").count()
    spark.stop()
    return changed


def _renamed(changes: DataFrame, run_id: str, at: dt.datetime, day: int, share: float) -> DataFrame:
    """A share of the listings with new titles, drawn anew for each day."""
    drawn = changes.where(F.pmod(F.xxhash64("listing_id", F.lit(day)), F.lit(1_000_000)) < int(share * 1_000_000))
    return drawn.withColumns(
        {
            "delivery_id": F.lit(run_id),
            "change": F.lit("updated"),
            "title": F.concat("title", F.lit(f" edition {day}")),
            "content_hash": F.sha2(F.concat("content_hash", F.lit(f" {day}")), 256),
            "updated_at": F.lit(at),
        }
    )


def _predicted_twice(folder: Path) -> int:
    """How many contents a backfill has judged more than once."""
    spark = open_session(load_settings("local").spark, "check")
    predicted = open_warehouse(spark, str(folder)).read(BACKFILL_PREDICTIONS)
    twice = predicted.groupBy("backfill_id", "listing_id", "content_hash").count().where("count > 1").count()
    spark.stop()
    return twice


if __name__ == "__main__":
    typer.run(main)
