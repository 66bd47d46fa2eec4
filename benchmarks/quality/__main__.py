"""`python -m benchmarks.quality FOLDER`: cleans many catalogues with our method and cleanlab, and writes a report."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.charts import draw_charts
from benchmarks.quality.document import quality_document
from benchmarks.quality.full_catalogue import measure_full_catalogue
from benchmarks.quality.metrics import error_of, measure
from benchmarks.quality.our_method import CleaningResult, OurMethod
from benchmarks.quality.run_cleanlab import run_cleanlab
from benchmarks.quality.scenarios import SCENARIOS, Scenario
from benchmarks.quality.stages import is_current
from benchmarks.quality.tracking import log_to_mlflow
from benchmarks.work_folder import ROOT
from conf.settings import Settings

_STEPS = "jobs/cleaning/steps"
_CODE = ("benchmarks/quality/*.py", "training/*.py", "udfs/*.py", f"{_STEPS}/calibrate.py", f"{_STEPS}/trust.py")
_PRESENTATION = ("document.py", "charts.py", "tracking.py")
"""Changes of `_CODE` code except these files invalidate the kept results."""


def main(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A catalogue: listings.parquet, taxonomy.csv, truth.parquet."
        ),
    ],
    scenarios: Annotated[list[str] | None, typer.Argument(help="Scenarios to measure; all by default.")] = None,
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
    """Measure the scenarios without a kept result; the report is written once all have one."""
    console = Console(highlight=False, stderr=True)
    work.mkdir(parents=True, exist_ok=True)
    unknown = [name for name in scenarios or [] if name not in SCENARIOS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: choose from {', '.join(SCENARIOS)}")
    catalogue = read_catalogue(folder)
    origin = origin_of(catalogue)
    kept = {}
    for name, scenario in SCENARIOS.items():
        file = work / f"{name}.json"
        if not is_current(file, origin) and (not scenarios or name in scenarios):
            started = time.monotonic()
            found = {"origin": origin, **_measure(scenario, catalogue, peers, work)}
            file.write_text(json.dumps(found, indent=1), encoding="utf-8")
            ours = found["ours"]
            console.print(
                f"{name}: {ours['before']:.4f} wrong before, best guess leaves {ours['best_guess']:.4f}, corrections "
                f"{ours['corrected']:.4f}, cleanlab {min(found['peers'].values()):.4f} "
                f"({time.monotonic() - started:.0f} s)"
            )
        if is_current(file, origin):
            kept[name] = json.loads(file.read_text(encoding="utf-8"))
    if len(kept) == len(SCENARIOS):
        result = measure_full_catalogue(folder, work, peers, origin, console.print)
        charts = draw_charts(result, out.with_suffix(""))
        out.write_text(quality_document(list(kept.values()), result, charts), encoding="utf-8")
        log_to_mlflow(work / "mlflow", kept, result, [out, *(out.with_suffix("") / name for name, _ in charts)])
        console.print(f"written: {out}")
    else:
        console.print(f"{len(SCENARIOS) - len(kept)} scenarios have no result yet; {out} was not changed")


def origin_of(catalogue: Catalogue) -> str:
    """A digest of the catalogue and of the code; results of another digest are measured again."""
    digest = hashlib.sha256()
    for name in ("titles", "sellers", "truth", "labels"):
        digest.update(repr(getattr(catalogue, name).tolist()).encode())
    for files in _CODE:
        for file in sorted(each for each in ROOT.glob(files) if each.name not in _PRESENTATION):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _measure(scenario: Scenario, catalogue: Catalogue, peers: Path, work: Path) -> dict[str, Any]:
    part, labels = scenario.make(catalogue, lambda c: np.nan_to_num(OurMethod(c, c.truth).first, nan=0.0))
    method = OurMethod(part, labels)
    ours, one_pass, no_sellers = method.clean(), method.clean(passes=1), method.clean(sellers_known=False)
    # Listings without a text get the prior probabilities of the categories, for cleanlab too.
    log_q = np.where(np.isnan(method.first), one_pass.classifier, method.first).astype(np.float64)
    found = run_cleanlab(peers, work, labels, np.exp(log_q))
    del found["label_quality"]
    wrong = {name: error_of(issues, log_q.argmax(axis=1), labels, part.truth) for name, issues in found.items()}
    return {
        "what": scenario.what,
        "listings": len(part),
        "ours": asdict(measure(ours.classifier, ours.posterior, labels, part.truth, Settings().decide)),
        "fit": ours.figures,
        "one_pass": _error(one_pass, part),
        "no_sellers": _error(no_sellers, part),
        "classifier": error_of(np.ones(len(part), np.bool_), log_q.argmax(axis=1), labels, part.truth),
        "peers": wrong,
    }


def _error(result: CleaningResult, part: Catalogue) -> float:
    """Share of listings whose best guess is wrong."""
    return float((result.posterior.argmax(axis=1) != part.truth).mean())


if __name__ == "__main__":
    typer.run(main)
