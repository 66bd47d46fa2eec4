"""Whole nights: how they grow with the catalogue, and what one costs when little or nothing has changed."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.catalogue import LEAST, beginning, catalogue_spec, write_beginnings, write_changes
from benchmarks.place import Place
from benchmarks.processes import command_line, started
from benchmarks.ratios import NightSeconds, divide, growth
from benchmarks.results import Limit, Line, Outcome, Sense
from benchmarks.workspace import Workspace, ingest, prepare_workspace
from schemas.bundle import FORMAT

_SIZES = (100_000, 200_000, 400_000)
_FEW = 20
_FIRST_DATE = dt.date(2026, 11, 10)
_PROGRESS = re.compile(r"^\s*([\d.]+) s  (.+)$", re.MULTILINE)
_MIB = 2**20


@dataclass(frozen=True)
class Night:
    """A measured night.

    Attributes:
        seconds: from the start of its process to its end.
        stages: line of progress -> seconds since the process could tell the time.
        worker_mib: peak resident memory of the largest Python worker.
        scored: listings that had no prediction of their content.
    """

    seconds: float
    stages: dict[str, float]
    worker_mib: float
    scored: int


@dataclass
class _Warehouse:
    """A copy of a prepared warehouse, on which nights run one after the other, each for the next date."""

    place: Place
    folder: Path
    source: Path
    taxonomy: Path
    date: dt.date = _FIRST_DATE
    nights: dict[str, Night] = field(default_factory=dict)

    def night(self, name: str) -> Night:
        """Run the next night in a fresh process."""
        words = command_line("nightly", "--warehouse", self.folder, "--run-date", str(self.date), "--json")
        self.date += dt.timedelta(days=1)
        begun = time.perf_counter()
        with started(self.place, words) as program:
            summary = json.loads(program.finish().splitlines()[-1])
            seconds = time.perf_counter() - begun
            said = program.log.read_text(encoding="utf-8")
            peak = program.watch.peak.largest / _MIB
        stages = {line: float(second) for second, line in _PROGRESS.findall(said)}
        night = Night(seconds, stages, peak, int(summary["rows_current"]))
        self.nights[name] = night
        self.place.say(f"{name}: {seconds:.1f} s, {night.scored:,} scored, largest worker {peak:,.0f} MiB")
        return night

    def change(self, every: int, offset: int) -> None:
        """Deliver listings with new titles, spread over the catalogue as `write_changes` does."""
        delivery = self.folder.parent / f"{self.folder.name}-changes.parquet"
        moment = dt.datetime.combine(self.date, dt.time(), dt.UTC)
        write_changes(self.source, delivery, every, offset, moment)
        ingest(self.place, self.folder, delivery, self.taxonomy)


def measure_nights(place: Place, scale: float) -> Outcome:
    """Prepare the three warehouses, run the nights, and work out the ratios."""
    workspace = prepare_workspace(place, scale)
    sizes = [max(round(size * scale), LEAST * 2**number) for number, size in enumerate(_SIZES)]
    catalogue = _draw(place, sizes, scale)
    prepared = {size: _prepare(place, workspace, catalogue, size) for size in sizes}
    # TensorFlow and Spark come from the disk the first time, which would be held against the smallest size.
    _open(place, workspace.warehouse, workspace.warehouse, workspace).night("a night to warm up")
    nights: dict[str, dict[str, Night]] = {}
    seconds: NightSeconds | None = None
    for number, (size, folder) in enumerate(prepared.items()):
        warehouse = _open(place, folder / "warehouse", beginning(catalogue, size), workspace)
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
    return Outcome("nights", scale, [*_lines(seconds), *_growth_lines(first, sizes)], details)


def _changed_nights(warehouse: _Warehouse, size: int) -> NightSeconds:
    """The nights that follow the first one at the middle size."""
    first = next(iter(warehouse.nights.values()))
    # Twice, since what changed listings cost is the difference to it, which is small.
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


def _lines(nights: NightSeconds) -> list[Line]:
    first, unchanged = {"first night": nights.first}, {"nothing changed": nights.unchanged}
    changed = {f"{nights.changed_rows:,} changed": nights.changed}
    row = {"a row of the first night": nights.first_row}

    def line(what: str, ratio: float | None, figures: dict[str, float], limit: Limit | None = None) -> Line:
        return Line(what, ratio, figures, nights.listings, limit)

    return [
        line(
            "a night with nothing changed against the first: the fixed cost", nights.unchanged_share, unchanged | first
        ),
        line(
            "a night with 1 % changed against the first",
            nights.changed_share,
            changed | first,
            Limit(Sense.AT_MOST, 0.15),
        ),
        line(
            "a changed row against a row of the first night, both above the fixed cost",
            nights.row_ratio,
            {"a changed row": nights.changed_row} | row,
            Limit(Sense.AT_MOST, 1.5),
        ),
        line(
            "a changed row above the fixed cost against the whole first night a row",
            nights.whole_row_ratio,
            {"a changed row": nights.changed_row, "the first night a row": nights.first / nights.listings},
        ),
        line(
            f"a further changed row, {nights.few_rows} having started the networks, against a row of the first night",
            nights.further_row_ratio,
            {"a further changed row": nights.further_row, f"{nights.few_rows} changed": nights.few} | row,
        ),
    ]


def _growth_lines(first: list[Night], sizes: list[int]) -> list[Line]:
    seconds = {f"{size:,}": night.seconds for size, night in zip(sizes, first, strict=True)}
    memory = {f"{size:,}": night.worker_mib for size, night in zip(sizes, first, strict=True)}
    return [
        Line(
            "growth: the second doubling's further time against the first's; 2 is linear",
            growth(list(seconds.values())),
            seconds,
            sizes[-1],
            Limit(Sense.AT_MOST, 2.2),
        ),
        Line(
            "the largest worker's peak memory with four times the rows",
            divide(memory[f"{sizes[-1]:,}"], memory[f"{sizes[0]:,}"]),
            memory,
            sizes[-1],
            Limit(Sense.AT_MOST, 1.1),
            "MiB",
        ),
    ]


def _draw(place: Place, sizes: list[int], scale: float) -> Path:
    """The catalogues of all sizes."""
    spec, most = catalogue_spec(scale), max(sizes)

    def make(folder: Path) -> None:
        write_beginnings(folder, spec, sizes, lambda done: place.say(f"drawn {done:,} of {most:,} listings"))

    made_from = {"sizes": sizes, "catalogue": spec.listings, "seed": spec.seed}
    return place.prepare(f"catalogue-{most}", made_from, make)


def _prepare(place: Place, workspace: Workspace, catalogue: Path, size: int) -> Path:
    """A warehouse with the first `size` listings ingested and the small workspace's model in force."""

    def make(folder: Path) -> None:
        ingest(place, folder / "warehouse", beginning(catalogue, size), workspace.taxonomy)
        shutil.copytree(workspace.warehouse / "mlflow", folder / "warehouse" / "mlflow")

    made_from = {"catalogue": catalogue.name, "model": workspace.listings, "format": FORMAT}
    return place.prepare(f"nights-{size}", made_from, make)


def _open(place: Place, warehouse: Path, source: Path, workspace: Workspace) -> _Warehouse:
    """A copy, so that what is prepared stays without a night."""
    folder = place.scratch / f"warehouse-{warehouse.parent.name}"
    shutil.copytree(warehouse, folder)
    return _Warehouse(place, folder, source, workspace.taxonomy)
