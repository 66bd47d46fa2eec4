"""`python -m benchmarks.load`: memory, time and size on disk of a catalogue's whole way, at several sizes.

The catalogue is generated in blocks, one file each, so that the generator's memory does not grow. Then the commands run
as a user runs them, each in its own process: `ingest`, `encode`, `train`, and `nightly` on two dates. A stage that is
done is not repeated; a killed run continues with the stage that it was in. The table shows all sizes side by side.

A skewed catalogue has one seller with half of all listings, and one title that half of all listings share, in equal
parts of the seller's and of others' listings.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.catalogue import numbers
from benchmarks.load_table import load_table
from benchmarks.memory import ProcessMonitor
from benchmarks.processes import command_line, start_program
from benchmarks.results import Result, write_result
from benchmarks.steps import seconds_of_steps
from benchmarks.work_folder import ROOT, WorkFolder, open_work_folder
from catalogue_generator.block import BLOCK_SIZE, draw_block
from catalogue_generator.catalogue import TAXONOMY_FILE
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.taxonomy import write_taxonomy
from catalogue_generator.world import draw_world
from jobs.lifecycle.run_context import WORK_FOLDER

_CATEGORIES, _SEED = 100, 11
_MIB = 2**20
_INTERVAL = 2.0
"""Seconds between two looks at the working files."""
_DATES = ("2026-01-10", "2026-01-11")
_SELLER, _TITLE = "the-largest-seller", "Gift card, see the description"


@dataclass(frozen=True)
class Load:
    """A catalogue that is measured.

    Attributes:
        listings: their number.
        pictures: whether they have pictures.
        skewed: as in the description of this module.
        heap: Spark's heap, `spark.driver_memory`; None: the default.
        model_of: number of listings of another catalogue whose model is used, instead of training one; None: train.
    """

    listings: int
    pictures: bool
    skewed: bool
    heap: str | None = None
    model_of: int | None = None

    @property
    def name(self) -> str:
        """For its folder and its result."""
        kinds = [kind for kind, given in (("pictures", self.pictures), ("skewed", self.skewed)) if given]
        heap = [] if self.heap is None else [f"heap-{self.heap}"]
        return "-".join(["load", *kinds, *heap, str(self.listings)])


def main(
    listings: Annotated[int, typer.Option("--listings", min=1_000, help="Number of listings.")],
    work: Annotated[Path, typer.Option("--work", help="Folder that keeps catalogues and warehouses.")] = (
        ROOT / ".cache" / "load"
    ),
    pictures: Annotated[bool, typer.Option("--pictures", help="With a picture for every listing.")] = False,
    skewed: Annotated[
        bool, typer.Option("--skewed", help="One seller has half of the listings, one title half of them.")
    ] = False,
    heap: Annotated[
        str | None, typer.Option("--heap", help="Spark's heap, such as 1500m, to see what less of it costs.")
    ] = None,
    model_of: Annotated[
        int | None,
        typer.Option(
            "--model-of", help="Do not train, but use the model of the same kind of catalogue with so many listings."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the JSON.")] = ROOT / "benchmarks" / "results",
) -> None:
    """Measure one size, stage by stage, and show all sizes that have been measured."""
    # On SIGTERM, exit in the usual way, so that started processes are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = Load(listings, pictures, skewed, heap, model_of)
    with open_work_folder(work / load.name) as folder:
        stages = _run_stages(folder, load)
        result = Result(load.name, 1, (), asdict(load) | {"stages": stages})
        folder.say(f"written to {write_result(result, out, dt.datetime.now(dt.UTC))}")
    found = [json.loads(path.read_text(encoding="utf-8"))["details"] for path in out.glob("load-*.json")]
    Console(highlight=False, width=None if sys.stdout.isatty() else 180).print(load_table(found))


def _run_stages(work: WorkFolder, load: Load) -> dict[str, dict[str, Any]]:
    """Run the stages that are not done; name of the stage -> its figures."""
    warehouse, catalogue = work.path / "warehouse", work.path / "catalogue"
    stages = {"catalogue": run_stage(work, "catalogue", lambda: generate(work, catalogue, load))}
    for name, words in commands(warehouse, catalogue, load).items():
        if name == "nightly" and load.model_of is not None:
            take_model(work.path.parent / replace(load, listings=load.model_of).name / "warehouse", warehouse)
        stages[name] = run_stage(work, name, partial(_run, work, name, words, warehouse))
    return stages


def take_model(trained: Path, warehouse: Path) -> None:
    """Copy the models of a warehouse, and the key of their pseudonyms."""
    if not (trained / "mlflow").is_dir():
        raise typer.BadParameter(f"there is no model in {trained}: measure that size first.", param_hint="--model-of")
    for name in ("mlflow", "_keys"):
        shutil.rmtree(warehouse / name, ignore_errors=True)
        shutil.copytree(trained / name, warehouse / name)


def commands(warehouse: Path, catalogue: Path, load: Load) -> dict[str, tuple[str | Path, ...]]:
    """Name of each stage after the catalogue -> the words of its command."""
    heap = () if load.heap is None else ("--set", f"spark.driver_memory={load.heap}")
    at = ("--warehouse", warehouse, *heap, "--json")
    words: dict[str, tuple[str | Path, ...]] = {
        "ingest": ("ingest", catalogue / "listings", "--taxonomy", catalogue / TAXONOMY_FILE, *at),
        "encode": ("encode", *at),
        "train": ("train", *at),
        "nightly": ("nightly", "--run-date", _DATES[0], *at),
        "second nightly": ("nightly", "--run-date", _DATES[1], *at),
    }
    skipped = {"encode": not load.pictures, "train": load.model_of is not None}
    return {name: command for name, command in words.items() if not skipped.get(name)}


def run_stage(work: WorkFolder, name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures of a stage, from its file if it is done."""
    file = work.path / f"{name.replace(' ', '-')}.json"
    if file.is_file():
        work.say(f"{name}: done before")
    else:
        work.say(f"{name}: started")
        figures = run()
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(figures, indent=2), encoding="utf-8")
        unfinished.rename(file)
        work.say(f"{name}: {figures['seconds']:.0f} s")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _run(work: WorkFolder, name: str, words: tuple[str | Path, ...], warehouse: Path) -> dict[str, Any]:
    """Run a command in a new process."""
    started_at = time.perf_counter()
    with start_program(work, command_line(*words)) as program, _peak_size(warehouse / WORK_FOLDER) as working:
        try:
            program.finish()
        finally:
            shutil.copyfile(program.log, work.path / f"{name.replace(' ', '-')}.log")
        seconds = time.perf_counter() - started_at
        # Results name no folder of the machine.
        log = program.log.read_text(encoding="utf-8").replace(f"{work.path}/", "")
    return {
        "seconds": round(seconds, 1),
        "steps": seconds_of_steps(log),
        "memory_mib": _memory(program.monitor),
        "working_files_mib": working[0],
        "disk_mib": {folder.name: _size(folder) for folder in sorted(warehouse.iterdir()) if folder.is_dir()},
    }


def _memory(monitor: ProcessMonitor) -> dict[str, Mapping[str, int]]:
    """Peak of each part of the program, and of all together, in MiB."""
    peaks = {part.value: peak for part, peak in monitor.peaks.items() if peak.total} | {"all": monitor.together}
    return {name: {key: round(size / _MIB) for key, size in asdict(peak).items()} for name, peak in peaks.items()}


def _size(path: Path) -> float:
    """The size of a folder's files in MiB; 0 if it does not exist."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):  # deleted since
                total += Path(folder, name).stat().st_size
    return round(total / _MIB, 1)


@contextmanager
def _peak_size(folder: Path) -> Iterator[list[float]]:
    """The largest size of a folder's files in MiB until the context is left, as the only element of a list."""
    largest, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            largest[0] = max(largest[0], _size(folder))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield largest
    finally:
        done.set()
        thread.join()


def generate(work: WorkFolder, folder: Path, load: Load) -> dict[str, Any]:
    """Write the catalogue block by block; blocks that exist are kept."""
    started_at = time.perf_counter()
    world = draw_world(CatalogueSpec(load.listings, _CATEGORIES, _SEED, pictures=load.pictures))
    listings = folder / "listings"
    listings.mkdir(parents=True, exist_ok=True)
    write_taxonomy(folder / TAXONOMY_FILE, world.categories)
    for number in range(-(-load.listings // BLOCK_SIZE)):
        file = listings / f"block-{number:05}.parquet"
        if file.is_file():
            continue
        rows = draw_block(world, number).listings
        unfinished = folder / "unfinished"
        pq.write_table(skew(rows) if load.skewed else rows, unfinished, compression="zstd")
        unfinished.rename(file)
        if number % 16 == 15:
            work.say(f"catalogue: {(number + 1) * BLOCK_SIZE:,} listings")
    return {"seconds": round(time.perf_counter() - started_at, 1), "disk_mib": {"catalogue": _size(folder)}}


def skew(listings: pa.Table) -> pa.Table:
    """Give every other listing to one seller, and two listings of four one title."""
    number = numbers(listings)
    sold = pc.equal(pc.bit_wise_and(number, 1), 0)
    titled = pc.equal(pc.bit_wise_and(number, 2), 0)
    for column, chosen, value in (("seller_id", sold, _SELLER), ("title", titled, _TITLE)):
        place = listings.schema.get_field_index(column)
        values = pc.if_else(chosen, pa.scalar(value, pa.large_string()), listings[column])
        listings = listings.set_column(place, listings.schema.field(place), values)
    return listings


if __name__ == "__main__":
    typer.run(main)
