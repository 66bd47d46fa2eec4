"""`python -m benchmarks.quality FOLDER`: cleans unlike catalogues, ours and peers; says what is left wrong."""

from __future__ import annotations

import json
import subprocess
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
from benchmarks.quality.ours import decide, judge_out_of_sample
from benchmarks.quality.scenarios import SCENARIOS, Scenario
from conf.settings import Settings

_PEERS = Path(__file__).with_name("peers.py")


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
    kept = {}
    for name, scenario in SCENARIOS.items():
        file = work / f"{name}.json"
        if not file.is_file() and (not scenarios or name in scenarios):
            started = time.monotonic()
            found = _measure(scenario, whole, peers, work)
            file.write_text(json.dumps(found, indent=1), encoding="utf-8")
            ours = found["ours"]
            console.print(
                f"{name}: {ours['before']:.4f} wrong before, best guess leaves {ours['best_guess']:.4f}, corrections "
                f"{ours['corrected']:.4f}, cleanlab {min(found['peers'].values()):.4f} "
                f"({time.monotonic() - started:.0f} s)"
            )
        if file.is_file():
            kept[name] = json.loads(file.read_text(encoding="utf-8"))
    if len(kept) == len(SCENARIOS):
        out.write_text(quality_document(list(kept.values())), encoding="utf-8")
        console.print(f"written: {out}")
    else:
        console.print(f"{len(SCENARIOS) - len(kept)} scenarios are still to be measured; {out} is as it was")


def _measure(scenario: Scenario, whole: Catalogue, peers: Path, work: Path) -> dict[str, Any]:
    part, labels = scenario.make(whole, lambda c: np.nan_to_num(judge_out_of_sample(c, c.truth), nan=0.0))
    judged = judge_out_of_sample(part, labels)
    ours = decide(part, labels, judged)
    precision = Settings().decide.correction_precision
    silent = decide(part, labels, judged, sellers_known=False)
    # Listings without a text are judged by how common the categories are, for the peers too.
    plain = np.where(np.isnan(judged), ours.classifier, judged).astype(np.float64)
    exchange = work / "probabilities.npz", work / "found.npz"
    np.savez(exchange[0], labels=labels, probabilities=np.exp(plain))
    subprocess.run([str(peers), str(_PEERS), *map(str, exchange)], check=True)
    with np.load(exchange[1]) as found:
        wrong = {name: error_of(found[name], plain.argmax(axis=1), labels, part.truth) for name in found.files}
    return {
        "what": scenario.what,
        "listings": len(part),
        "ours": asdict(measure(ours.classifier, ours.belief, labels, part.truth, precision)),
        "fit": ours.figures,
        "no_sellers": float((silent.belief.argmax(axis=1) != part.truth).mean()),
        "peers": wrong,
    }


if __name__ == "__main__":
    typer.run(main)
