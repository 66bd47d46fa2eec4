"""`python -m benchmarks.quality FOLDER`: cleans unlike catalogues, ours and peers; says what is left wrong."""

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

from benchmarks.place import ROOT
from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.document import quality_document
from benchmarks.quality.figures import error_of, measure
from benchmarks.quality.ours import Judged, Ours
from benchmarks.quality.peers import ask_peers
from benchmarks.quality.pictures import draw_pictures
from benchmarks.quality.scenarios import SCENARIOS, Scenario
from benchmarks.quality.stages import is_of
from benchmarks.quality.tracking import track
from benchmarks.quality.whole import measure_whole
from conf.settings import Settings

_AUDIT = "jobs/cleaning/steps"
_MEASURED = ("benchmarks/quality/*.py", "training/*.py", "udfs/*.py", f"{_AUDIT}/calibrate.py", f"{_AUDIT}/trust.py")
"""The code on which the figures depend,"""
_UNMEASURED = ("document.py", "pictures.py", "tracking.py")
"""but not what shows them."""


def main(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A catalogue: listings.parquet, taxonomy.csv, truth.parquet."
        ),
    ],
    scenarios: Annotated[list[str] | None, typer.Argument(help="Which; all by default.")] = None,
    peers: Annotated[
        Path,
        typer.Option(
            "--peers", exists=True, help="The Python of the peers' environment; `make bench-quality` makes it."
        ),
    ] = ROOT / ".cache/peers/bin/python",
    work: Annotated[Path, typer.Option("--work", help="What is kept here is not measured again.")] = ROOT
    / ".cache/quality",
    out: Annotated[Path, typer.Option("--out", help="The document.")] = ROOT / "docs/quality.md",
) -> None:
    """Measure each scenario that is not kept yet; the document is written once all are."""
    console = Console(highlight=False, stderr=True)
    work.mkdir(parents=True, exist_ok=True)
    unknown = [name for name in scenarios or [] if name not in SCENARIOS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: choose from {', '.join(SCENARIOS)}")
    whole = read_catalogue(folder)
    origin = origin_of(whole)
    kept = {}
    for name, scenario in SCENARIOS.items():
        file = work / f"{name}.json"
        if not is_of(file, origin) and (not scenarios or name in scenarios):
            started = time.monotonic()
            found = {"origin": origin, **_measure(scenario, whole, peers, work)}
            file.write_text(json.dumps(found, indent=1), encoding="utf-8")
            ours = found["ours"]
            console.print(
                f"{name}: {ours['before']:.4f} wrong before, best guess leaves {ours['best_guess']:.4f}, corrections "
                f"{ours['corrected']:.4f}, cleanlab {min(found['peers'].values()):.4f} "
                f"({time.monotonic() - started:.0f} s)"
            )
        if is_of(file, origin):
            kept[name] = json.loads(file.read_text(encoding="utf-8"))
    if len(kept) == len(SCENARIOS):
        result = measure_whole(folder, work, peers, origin, console.print)
        pictures = draw_pictures(result, out.with_suffix(""))
        out.write_text(quality_document(list(kept.values()), result, pictures), encoding="utf-8")
        track(work / "mlflow", kept, result, [out, *(out.with_suffix("") / name for name, _ in pictures)])
        console.print(f"written: {out}")
    else:
        console.print(f"{len(SCENARIOS) - len(kept)} scenarios are still to be measured; {out} is as it was")


def origin_of(whole: Catalogue) -> str:
    """A digest of the catalogue and of the code that cleans it: what was measured with others is measured anew."""
    digest = hashlib.sha256()
    for name in ("titles", "sellers", "truth", "labels"):
        digest.update(repr(getattr(whole, name).tolist()).encode())
    for files in _MEASURED:
        for file in sorted(each for each in ROOT.glob(files) if each.name not in _UNMEASURED):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _measure(scenario: Scenario, whole: Catalogue, peers: Path, work: Path) -> dict[str, Any]:
    part, labels = scenario.make(whole, lambda c: np.nan_to_num(Ours(c, c.truth).first, nan=0.0))
    product = Ours(part, labels)
    ours, once, silent = product.clean(), product.clean(passes=1), product.clean(sellers_known=False)
    # Listings without a text are judged by how common the categories are, for the peers too.
    plain = np.where(np.isnan(product.first), once.classifier, product.first).astype(np.float64)
    found = ask_peers(peers, work, labels, np.exp(plain))
    del found["label_quality"]
    wrong = {name: error_of(which, plain.argmax(axis=1), labels, part.truth) for name, which in found.items()}
    return {
        "what": scenario.what,
        "listings": len(part),
        "ours": asdict(measure(ours.classifier, ours.belief, labels, part.truth, Settings().decide)),
        "fit": ours.figures,
        "one_pass": _left(once, part),
        "no_sellers": _left(silent, part),
        "classifier": error_of(np.ones(len(part), np.bool_), plain.argmax(axis=1), labels, part.truth),
        "peers": wrong,
    }


def _left(judged: Judged, part: Catalogue) -> float:
    """Wrong by the best guess."""
    return float((judged.belief.argmax(axis=1) != part.truth).mean())


if __name__ == "__main__":
    typer.run(main)
