"""`python -m benchmarks.quality FOLDER`: cleans many catalogues with our method and cleanlab, and writes a report."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.quality.charts import draw_charts
from benchmarks.quality.document import quality_document
from benchmarks.quality.full_catalogue import measure_full_catalogue
from benchmarks.quality.origin import origin_of
from benchmarks.quality.picture_sizes import measure_sizes
from benchmarks.quality.picture_vectors import keep_vectors
from benchmarks.quality.scenario import measure_scenario
from benchmarks.quality.stages import is_current
from benchmarks.quality.tracking import log_to_mlflow
from benchmarks.quality.world_lists import SCENARIOS, WORLDS
from benchmarks.quality.world_regret import measure_worlds
from benchmarks.work_folder import ROOT


def main(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A catalogue: listings.parquet, taxonomy.csv, truth.parquet."
        ),
    ],
    only: Annotated[
        list[str] | None, typer.Argument(help="Measure the scenarios whose world's name has one of these parts.")
    ] = None,
    peers: Annotated[
        Path,
        typer.Option(
            "--peers", exists=True, help="The Python of the environment with cleanlab; `make bench-quality` creates it."
        ),
    ] = ROOT / ".cache/peers/bin/python",
    work: Annotated[
        Path, typer.Option("--work", help="Folder that keeps results; a kept result is not measured again.")
    ] = ROOT / ".cache/quality",
    out: Annotated[Path, typer.Option("--out", help="The report to write.")] = ROOT / "docs/quality.md",
) -> None:
    """Measure what has no kept result; the report is written once everything has one."""
    console = Console(highlight=False, stderr=True, soft_wrap=True)
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    kept = {}
    for title, world in SCENARIOS.items():
        file, origin = work / f"{world.name}.json", world.origin(origin_of(folder))
        if not is_current(file, origin) and (not only or any(part in world.name for part in only)):
            started = time.monotonic()
            vectors = keep_vectors(folder, work, console.print) if world.pictures else None
            found = {"origin": origin, **measure_scenario(world, folder, vectors, peers, work)}
            file.write_text(json.dumps(found, indent=1), encoding="utf-8")
            ours = found["ours"]
            console.print(
                f"{title}: {ours['before']:.4f} wrong before, best guess leaves {ours['best_guess']:.4f}, corrections "
                f"{ours['corrected']:.4f}, the classifier {found['classifier']:.4f}, cleanlab "
                f"{min(found['peers'].values()):.4f} ({time.monotonic() - started:.0f} s)"
            )
        if is_current(file, origin):
            kept[title] = json.loads(file.read_text(encoding="utf-8"))
    if only or len(kept) < len(SCENARIOS):
        console.print(f"{len(SCENARIOS) - len(kept)} scenarios have no result yet; {out} was not changed")
        return
    worlds = measure_worlds(WORLDS, folder, work, console.print)
    sizes = measure_sizes(folder, work, origin_of(folder), console.print)
    full = measure_full_catalogue(folder, work, peers, origin_of(folder), console.print)
    charts = draw_charts(full, worlds, out.with_suffix(""))
    out.write_text(quality_document(kept, worlds, sizes, full, charts), encoding="utf-8")
    files = [out, *(out.with_suffix("") / name for name, _ in charts)]
    log_to_mlflow(work / "mlflow", {SCENARIOS[title].name: found for title, found in kept.items()}, full, files)
    console.print(f"written: {out}")


if __name__ == "__main__":
    typer.run(main)
