"""Nightly runs: how their time grows with the catalogue, and what they cost when little or nothing has changed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.catalogue import MIN_LISTINGS, catalogue_spec, prefix_file, write_changes, write_prefixes
from benchmarks.processes import command_line, start_program
from benchmarks.ratios import NightSeconds, divide, growth
from benchmarks.results import Limit, Ratio, Relation, Result
from benchmarks.steps import seconds_of_steps
from benchmarks.work_folder import WorkFolder
from benchmarks.workspace import Workspace, ingest, prepare_workspace
from schemas.bundle import FORMAT

_SIZES = (100_000, 200_000, 400_000)
_FEW = 20
_FIRST_DATE = dt.date(2026, 1, 10)
_MIB = 2**20


@dataclass(frozen=True)
class Night:
    """A measured nightly run.

    Attributes:
        seconds: from start to end of its process.
        stages: progress message -> the seconds that the process printed with it.
        worker_mib: peak resident memory of the largest Python worker, in MiB.
        scored: number of listings that were scored in this night.
    """

    seconds: float
    stages: dict[str, float]
    worker_mib: float
    scored: int


@dataclass
class _Warehouse:
    """A copy of a prepared warehouse, on which nights run one after the other, one per date."""

    work: WorkFolder
    folder: Path
    source: Path
    taxonomy: Path
    date: dt.date = _FIRST_DATE
    nights: dict[str, Night] = field(default_factory=dict)

    def night(self, name: str) -> Night:
        """Run the next night in a new process."""
        words = command_line("nightly", "--warehouse", self.folder, "--run-date", str(self.date), "--json")
        self.date += dt.timedelta(days=1)
        started_at = time.perf_counter()
        with start_program(self.work, words) as program:
            summary = json.loads(program.finish().splitlines()[-1])
            seconds = time.perf_counter() - started_at
            log = program.log.read_text(encoding="utf-8")
            peak = program.monitor.peak.largest / _MIB
        night = Night(seconds, seconds_of_steps(log), peak, int(summary["rows_current"]))
        self.nights[name] = night
        self.work.say(f"{name}: {seconds:.1f} s, {night.scored:,} scored, largest worker {peak:,.0f} MiB")
        return night

    def change(self, every: int, offset: int) -> None:
        """Ingest new titles for some listings; the arguments are those of `write_changes`."""
        delivery = self.folder.parent / f"{self.folder.name}-changes.parquet"
        moment = dt.datetime.combine(self.date, dt.time(), dt.UTC)
        write_changes(self.source, delivery, every, offset, moment)
        ingest(self.work, self.folder, delivery, self.taxonomy)


def measure_nights(work: WorkFolder, scale: float) -> Result:
    """Prepare the three warehouses, run the nights, and compute the ratios."""
    workspace = prepare_workspace(work, scale)
    sizes = [max(round(size * scale), MIN_LISTINGS * 2**number) for number, size in enumerate(_SIZES)]
    catalogue = _draw(work, sizes, scale)
    prepared = {size: _prepare(work, workspace, catalogue, size) for size in sizes}
    # The first run reads TensorFlow and Spark from disk, which would add to the time of the smallest size.
    _open(work, workspace.warehouse, workspace.warehouse, workspace).night("warm-up")
    nights: dict[str, dict[str, Night]] = {}
    seconds: NightSeconds | None = None
    for number, (size, folder) in enumerate(prepared.items()):
        warehouse = _open(work, folder / "warehouse", prefix_file(catalogue, size), workspace)
        warehouse.night(f"first night of {size:,}")
        if number == 1:
            seconds = _changed_nights(warehouse, size)
        shutil.rmtree(warehouse.folder)
        nights[str(size)] = warehouse.nights
    assert seconds is not None
    first = [next(iter(nights[str(size)].values())) for size in sizes]
    details = {
        "seconds": asdict(seconds),
        "nights": {size: {name: asdict(n) for name, n in ran.items()} for size, ran in nights.items()},
    }
    return Result("nights", scale, [*_night_ratios(seconds), *_growth_ratios(first, sizes)], details)


def _changed_nights(warehouse: _Warehouse, size: int) -> NightSeconds:
    """Run the nights after the first one at the middle size."""
    first = next(iter(warehouse.nights.values()))
    # Twice: the cost of changed listings is a small difference to this time.
    unchanged = [warehouse.night(name).seconds for name in ("nothing changed", "nothing changed, again")]
    warehouse.change(size // _FEW, 50)
    few = warehouse.night("a few changed")
    warehouse.change(100, 7)
    changed = warehouse.night("1 % changed")
    return NightSeconds(
        listings=size,
        first=first.seconds,
        unchanged=sum(unchanged) / len(unchanged),
        few=few.seconds,
        few_rows=few.scored,
        changed=changed.seconds,
        changed_rows=changed.scored,
    )


def _night_ratios(nights: NightSeconds) -> list[Ratio]:
    first, unchanged = {"first night": nights.first}, {"nothing changed": nights.unchanged}
    changed = {f"{nights.changed_rows:,} changed": nights.changed}
    row = {"a row of the first night": nights.first_row}

    further = {} if nights.marginal_row is None else {"a further changed row": nights.marginal_row}

    def ratio_of(what: str, ratio: float | None, figures: dict[str, float], limit: Limit | None = None) -> Ratio:
        return Ratio(what, ratio, figures, nights.listings, limit)

    return [
        ratio_of(
            "a night with nothing changed against the first: the fixed cost", nights.unchanged_share, unchanged | first
        ),
        ratio_of(
            "a night with 1 % changed against the first",
            nights.changed_share,
            changed | first,
            Limit(Relation.AT_MOST, 0.15),
        ),
        ratio_of(
            "a changed row against a row of the first night, both above the fixed cost",
            nights.row_ratio,
            {"a changed row": nights.changed_row} | row,
            Limit(Relation.AT_MOST, 1.5),
        ),
        ratio_of(
            "a changed row above the fixed cost against the whole first night a row",
            nights.whole_row_ratio,
            {"a changed row": nights.changed_row, "the first night a row": nights.first / nights.listings},
        ),
        ratio_of(
            f"a further changed row, {nights.few_rows} having started the networks, against a row of the first night",
            nights.marginal_row_ratio,
            further | {f"{nights.few_rows} changed": nights.few} | row,
        ),
    ]


def _growth_ratios(first: list[Night], sizes: list[int]) -> list[Ratio]:
    seconds = {f"{size:,}": night.seconds for size, night in zip(sizes, first, strict=True)}
    memory = {f"{size:,}": night.worker_mib for size, night in zip(sizes, first, strict=True)}
    return [
        Ratio(
            "growth: the second doubling's further time against the first's; 2 is linear",
            growth(list(seconds.values())),
            seconds,
            sizes[-1],
            Limit(Relation.AT_MOST, 2.2),
        ),
        Ratio(
            "the largest worker's peak memory with four times the rows",
            divide(memory[f"{sizes[-1]:,}"], memory[f"{sizes[0]:,}"]),
            memory,
            sizes[-1],
            Limit(Relation.AT_MOST, 1.1),
            "MiB",
        ),
    ]


def _draw(work: WorkFolder, sizes: list[int], scale: float) -> Path:
    """Write the catalogues of all sizes."""
    spec, largest = catalogue_spec(scale), max(sizes)

    def make(folder: Path) -> None:
        write_prefixes(folder, spec, sizes, lambda done: work.say(f"generated {done:,} of {largest:,} listings"))

    made_from = {"sizes": sizes, "catalogue": spec.listings, "seed": spec.seed}
    return work.prepare(f"catalogue-{largest}", made_from, make)


def _prepare(work: WorkFolder, workspace: Workspace, catalogue: Path, size: int) -> Path:
    """A warehouse with the first `size` listings ingested and the workspace's model as champion."""

    def make(folder: Path) -> None:
        ingest(work, folder / "warehouse", prefix_file(catalogue, size), workspace.taxonomy)
        for name in ("mlflow", "_keys"):
            shutil.copytree(workspace.warehouse / name, folder / "warehouse" / name)

    made_from = {"catalogue": catalogue.name, "model": workspace.listings, "format": FORMAT}
    return work.prepare(f"nights-{size}", made_from, make)


def _open(work: WorkFolder, warehouse: Path, source: Path, workspace: Workspace) -> _Warehouse:
    """Copy a warehouse, so that the prepared one stays without nights."""
    folder = work.scratch / f"warehouse-{warehouse.parent.name}"
    shutil.copytree(warehouse, folder)
    return _Warehouse(work, folder, source, workspace.taxonomy)
