"""`python -m benchmarks.backfill`: what a backfill costs, against the first night of the same catalogue.

It measures past dates on which a few listings were changed, and archives with pictures of several sizes. Both are
compared with a first night: in the same run, on the same machine.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console

from benchmarks.memory import Part
from benchmarks.processes import command_line, start_program
from benchmarks.ratios import divide
from benchmarks.results import Limit, Ratio, Relation, Result, write_result
from benchmarks.steps import seconds_of_steps
from benchmarks.table import result_table
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
_MOST_NIGHTS = 12.0
"""First nights that 30 dates may take."""
_SLOWEST = 1.1
"""What an archive may take against the first night of a catalogue of its size, reading its files included."""
_GROWTH = 1.1
"""What the largest archive's Python processes may need against the smallest's."""


@dataclass(frozen=True)
class Ran:
    """A command.

    Attributes:
        seconds: from start to end of its process.
        summary: what it printed, without the scratch folder's path.
        steps: progress message -> the seconds since the start that it printed with it.
        memory: part of the program -> peak of the private memory of its largest process, in MiB.
    """

    seconds: float
    summary: dict[str, object]
    steps: dict[str, float]
    memory: dict[str, float]


@dataclass(frozen=True)
class Archive:
    """An archive, and the first night of a catalogue of its size."""

    listings: int
    night: Ran
    backfill: Ran


def main(
    listings: Annotated[int, typer.Option("--listings", min=500, help="Listings of the catalogue.")] = 3000,
    days: Annotated[int, typer.Option("--days", min=2, help="Past dates.")] = 30,
    share: Annotated[float, typer.Option("--share", min=0.0, max=1.0, help="Listings changed on each date.")] = 0.01,
    archives: Annotated[
        str, typer.Option("--archives", help="Sizes of archives with pictures, separated by commas; empty: none.")
    ] = "5000,20000,40000",
    work: Annotated[
        Path, typer.Option("--work", help="Folder that keeps catalogues and models for the next run.")
    ] = ROOT / ".cache" / "bench",
    out: Annotated[Path, typer.Option("--out", help="Folder for the JSON.")] = ROOT / "benchmarks" / "results",
) -> None:
    """Print the seconds and the memory of backfills, and their ratio to a first night."""
    # On SIGTERM, exit in the usual way, so that started processes are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with open_work_folder(work) as folder:
        source = _trained(folder, listings)
        ratios, details = _measure_days(folder, source, listings, days, share)
        measured = [_measure_archive(folder, source, int(size)) for size in archives.split(",") if size]
        ratios += archive_ratios(measured)
        result = Result("backfill", 1, ratios, details | {"archives": [asdict(each) for each in measured]})
        Console(highlight=False, width=None if sys.stdout.isatty() else 180).print(result_table(result))
        folder.say(f"written to {write_result(result, out, dt.datetime.now(dt.UTC))}")


def _measure_days(
    work: WorkFolder, source: Path, listings: int, days: int, share: float
) -> tuple[list[Ratio], dict[str, object]]:
    """The ratios of past dates, and the measurements."""
    warehouse = work.scratch / "days"
    shutil.copytree(source / "warehouse", warehouse)
    today = dt.datetime.now(dt.UTC).date()
    night = _run(work, "nightly", "--warehouse", warehouse, "--run-date", str(today))
    changed = _make_history(warehouse, today, days, share)
    first = today - dt.timedelta(days=days)
    last = today - dt.timedelta(days=1)
    words = ("--warehouse", warehouse, "--from", str(first), "--to", str(last))
    backfill = _run(work, "backfill", *words)
    judged, twice = _predicted(warehouse)
    shutil.rmtree(warehouse)
    changed_share = changed / listings / (days - 1)
    seconds = {f"{days} dates": backfill.seconds, "the first night": night.seconds}
    ratios = [
        Ratio(
            f"{days} dates, {changed_share:.1%} of the listings changed on each, against the first night",
            divide(backfill.seconds, night.seconds),
            seconds,
            listings,
            Limit(Relation.AT_MOST, _MOST_NIGHTS),
        ),
        Ratio(
            "contents judged more than once",
            twice / judged,
            {"judged": judged, "more than once": twice},
            listings,
            Limit(Relation.AT_MOST, 0.0),
            "",
        ),
    ]
    return ratios, {"first night": asdict(night), "dates": asdict(backfill)}


def _measure_archive(work: WorkFolder, source: Path, size: int) -> Archive:
    """Judge an archive, and run the first night of a catalogue with the same rows; the model has learnt neither."""
    delivered = work.scratch / f"archive-{size}"
    write_catalogue(delivered, CatalogueSpec(listings=size, seed=77))
    files, taxonomy = delivered / LISTINGS_FILE, delivered / TAXONOMY_FILE
    night_in, archive_in = work.scratch / f"night-{size}", work.scratch / f"with-archive-{size}"
    ingest(work, night_in, files, taxonomy)
    for name in ("mlflow", "_keys"):
        shutil.copytree(source / "warehouse" / name, night_in / name)
    shutil.copytree(source / "warehouse", archive_in)
    night = _run(work, "nightly", "--warehouse", night_in, "--run-date", str(dt.datetime.now(dt.UTC).date()))
    archive = _run(work, "backfill", "--warehouse", archive_in, "--listings", files)
    for folder in (delivered, night_in, archive_in):
        shutil.rmtree(folder)
    return Archive(size, night, archive)


def archive_ratios(archives: Sequence[Archive]) -> list[Ratio]:
    """Speed of each archive against its first night, and the growth of memory from the smallest to the largest."""
    ratios = [
        Ratio(
            "an archive with pictures against the first night of the same rows",
            divide(each.backfill.seconds, each.night.seconds),
            {"archive": each.backfill.seconds, "first night": each.night.seconds},
            each.listings,
            Limit(Relation.AT_MOST, _SLOWEST),
        )
        for each in archives
    ]
    if len(archives) > 1:
        ordered = sorted(archives, key=lambda each: each.listings)
        small, large = ordered[0].backfill.memory, ordered[-1].backfill.memory
        ratios += [
            Ratio(
                f"{part}: private memory of the largest archive against the smallest's",
                divide(large[part], small[part]),
                {f"{each.listings:,}": each.backfill.memory[part] for each in ordered},
                ordered[-1].listings,
                # Spark uses all of its heap before it collects what is no longer used.
                None if part == Part.JVM else Limit(Relation.AT_MOST, _GROWTH),
                "MiB",
            )
            for part in (Part.DRIVER, Part.WORKERS, Part.JVM)
        ]
    return ratios


def _trained(work: WorkFolder, listings: int) -> Path:
    """A folder with the warehouse of a generated catalogue with a model, before its first night."""
    spec = CatalogueSpec(listings=listings, seed=7)

    def make(folder: Path) -> None:
        write_catalogue(folder, spec)
        ingest(work, folder / "warehouse", folder / LISTINGS_FILE, folder / TAXONOMY_FILE)
        _run(work, "train", "--warehouse", folder / "warehouse", "--set", "train.image_epochs=2")

    made_from: dict[str, object] = {"listings": listings, "seed": spec.seed, "format": FORMAT}
    return work.prepare(f"backfill-{listings}", made_from, make)


def _run(work: WorkFolder, *words: str | Path) -> Ran:
    """Run a command in its own process."""
    work.say(" ".join(map(str, words)))
    started = time.perf_counter()
    with start_program(work, command_line(*words, "--json")) as program:
        summary = json.loads(program.finish().splitlines()[-1].replace(f"{work.scratch}/", ""))
        seconds = time.perf_counter() - started
        memory = {part.value: peak.private / _MIB for part, peak in program.monitor.peaks.items()}
        log = program.log.read_text(encoding="utf-8").replace(f"{work.scratch}/", "")
    work.say(f"{words[0]}: {seconds:.1f} s")
    return Ran(seconds, summary, seconds_of_steps(log), memory)


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


def _predicted(folder: Path) -> tuple[int, int]:
    """How many contents a backfill has judged, and how many of them more than once."""
    spark = open_session(load_settings("local").spark, "check")
    predicted = open_warehouse(spark, str(folder)).read(BACKFILL_PREDICTIONS)
    by_content = predicted.groupBy("backfill_id", "listing_id", "content_hash").count()
    figures = F.count(F.lit(1)).alias("judged"), F.count_if(F.col("count") > 1).alias("twice")
    [counted] = by_content.agg(*figures).collect()
    spark.stop()
    return int(counted.judged), int(counted.twice)


if __name__ == "__main__":
    typer.run(main)
