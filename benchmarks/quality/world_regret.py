"""`python -m benchmarks.quality.world_regret FOLDER`: the regret of rules for trusting the classifier, by world.

The regret is the share of wrong best guesses, less the smallest share that is wrong among the labels, the classifier's
categories and the best guesses at any scale. The truth makes the labels and measures the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.quality.metrics import corrected_labels
from benchmarks.quality.world_classifier import (
    count_pairs,
    disagreement_of_parts,
    out_of_sample,
    text_groups,
    vectorize,
)
from benchmarks.quality.worlds import VALIDATION, WORLDS, ErrorWorld
from conf.load import load_settings
from schemas.arrays import Floats, Ints
from schemas.branches import TEXT
from training.error_share import twin_share
from training.first_pass import FewerListings, fit_first_pass, gather_evidence, initial_fusion
from training.sample import Sample, seller_codes
from training.scale import SCALES, Implied, choose_scale, fit_to_convergence, scaled, solve_scale
from udfs.fusion import fuse

_FOLDS, _PARTS = 3, 4
_AUDITS, _DRAWS = (150, 400), 10
_DIRTIER = 5e-4
"""A smaller difference does not count as dirtier."""


def main(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A catalogue with known truth.")],
    work: Annotated[Path, typer.Option("--work", help="Keeps what was measured.")] = Path(".cache/worlds"),
    *,
    validation: Annotated[bool, typer.Option("--validation", help="Other draws of the worlds.")] = False,
    only: Annotated[str, typer.Option("--only", help="Worlds whose name has this part.")] = "",
) -> None:
    """Measure the worlds that were not measured yet, and print the regret by size."""
    console, work = Console(highlight=False, soft_wrap=True), work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    results = []
    for world in sorted(VALIDATION if validation else WORLDS, key=lambda each: each.listings):
        if only not in world.name:
            continue
        for anonymous in (False, True):
            file = work / f"{world.name}{'-anonymous' if anonymous else ''}.json"
            if not file.exists():
                found = measure_world(prepare(world, folder, work), anonymous=anonymous)
                file.write_text(json.dumps(found), encoding="utf-8")
                console.print(f"{file.stem}: {summary(found)}")
            results.append((world, anonymous, json.loads(file.read_text(encoding="utf-8"))))
    for anonymous in (False, True):
        chosen = [(world, found) for world, hidden, found in results if hidden == anonymous]
        console.print(regret_table("sellers unknown" if anonymous else "sellers known", chosen))


def prepare(world: ErrorWorld, folder: Path, work: Path) -> dict[str, Any]:
    """The arrays of a world, from the cache or made: labels, groups and what the classifiers say out of sample."""
    file = work / f"{world.name}.npz"
    if not file.exists():
        catalogue, labels = world.make(folder)
        features, titles = vectorize(catalogue), text_groups(catalogue.titles)
        random = np.random.default_rng(5)
        folds = random.permutation(titles.max() + 1)[titles] % _FOLDS
        parts = random.permutation(titles.max() + 1)[titles] % _PARTS
        count = len(catalogue.categories)
        np.savez_compressed(
            file,
            log_p=out_of_sample(features, labels, folds, count).astype(np.float16),
            fewer=disagreement_of_parts(features, labels, parts, count),
            labels=labels,
            truth=catalogue.truth,
            sellers=seller_codes(catalogue.sellers.tolist())[0],
            titles=titles,
            texts=text_groups(catalogue.titles, catalogue.descriptions),
            distances=catalogue.distances,
        )
    with np.load(file) as stored:
        return {name: stored[name] for name in stored.files}


def measure_world(arrays: dict[str, Any], *, anonymous: bool) -> dict[str, Any]:
    """What each rule leaves wrong, best guess and automatic corrections."""
    labels, truth, distances = arrays["labels"], arrays["truth"], arrays["distances"]
    sellers = np.full(len(labels), -1) if anonymous else arrays["sellers"]
    ids = tuple(map(str, range(int(arrays["sellers"].max(initial=-1)) + 1)))
    nobody = np.full(len(labels), -1)
    branches = {TEXT.name: arrays["log_p"].astype(np.float32)}
    sample = Sample(labels, nobody, nobody, sellers, arrays["titles"], ids, branches)
    fewer = FewerListings(arrays["fewer"], (1.0 - 1.0 / _FOLDS) * _PARTS)
    twins = twin_share(count_pairs(labels, arrays["texts"], sellers))
    first = fit_first_pass(sample, distances, fewer, twins)
    confident = gather_evidence(sample, branches[TEXT.name].astype(np.float64), None, None).confident
    fusion = initial_fusion(sample)
    log_q = [fuse(branches, scaled(fusion, scale)).astype(np.float64) for scale in SCALES.tolist()]
    concentration = first.noise.concentration
    posteriors = [fit_to_convergence(sample, each, distances, concentration).posterior for each in log_q]
    implied = Implied(
        np.array([1.0 - each[np.arange(len(labels)), labels].mean() for each in posteriors]),
        np.array([1.0 - each.max(axis=1).mean() for each in posteriors]),
        np.array([1.0 - np.exp(each.max(axis=1)).mean() for each in log_q]),
        float((log_q[0].argmax(axis=1) != labels).mean()),
    )
    outcomes = np.array([_left(each, labels, truth) for each in posteriors])
    before = float((labels != truth).mean())
    classifier = float((sample.branches[TEXT.name].argmax(axis=1) != truth).mean())

    def at(scale: float) -> list[float]:
        if scale == 0.0:
            return [before, before]
        return [float(np.interp(np.log(scale), np.log(SCALES), outcomes[:, i])) for i in (0, 1)]

    audits = {}
    for count in _AUDITS:
        if 2 * count <= len(labels):
            drawn = _audits(implied, posteriors, labels, truth, count)
            audits[f"{count} audited"] = [at(choose_scale(each, first.share)) for each in drawn]
    return {
        "before": before,
        "least": min(before, classifier, float(outcomes[:, 0].min())),
        "share": first.share.value,
        "scale": first.scale,
        "source": first.share.source,
        "rules": {
            "keep every label": [[before, before]],
            "classifier": [[classifier, classifier]],
            "scale 1": [at(1.0)],
            "confident listings only": [at(choose_scale(implied, confident))],
            "all evidence": [_left(first.noise.posterior, labels, truth)],
            "the true share": [at(solve_scale(implied.shares, before))],
            **audits,
        },
    }


def summary(found: dict[str, Any]) -> str:
    """One line about a world."""
    rules = {name: float(np.mean([best for best, _ in left])) for name, left in found["rules"].items()}
    parts = [f"{found['before']:.3f} wrong", f"estimate {found['share']:.3f}", f"scale {found['scale']:.2f}"]
    parts += [f"{name} {left:.3f}" for name, left in {"least": found["least"], **rules}.items()]
    return ", ".join(parts)


def regret_table(title: str, results: list[tuple[ErrorWorld, dict[str, Any]]]) -> Table:
    """Mean and largest regret in points by rule, source and size; and how many worlds a rule makes dirtier."""
    groups = sorted({(world.source, world.listings) for world, _ in results})
    columns = [f"{source} {rows:,}" for source, rows in groups]
    table = Table("rule", *columns, "dirtier", "corrections dirtier", title=title)
    for rule in dict.fromkeys(name for _, found in results for name in found["rules"]):
        cells = []
        for group in groups:
            regrets = [
                100.0 * (float(np.mean([best for best, _ in found["rules"][rule]])) - found["least"])
                for world, found in results
                if (world.source, world.listings) == group and rule in found["rules"]
            ]
            cells.append(f"{np.mean(regrets):.1f} ({max(regrets):.1f})" if regrets else "")
        large = [found for world, found in results if world.listings >= 1000 and rule in found["rules"]]
        after = [np.array(each["rules"][rule]).mean(axis=0) - each["before"] > _DIRTIER for each in large]
        counts = np.array(after).reshape(-1, 2).sum(axis=0).tolist()
        table.add_row(rule, *cells, *(f"{count} of {len(large)}" for count in counts))
    return table


def _left(posterior: Floats, labels: Ints, truth: Ints) -> list[float]:
    """The shares that best guess and automatic corrections leave wrong."""
    corrected = corrected_labels(posterior, labels, load_settings("local").decide)
    return [float((posterior.argmax(axis=1) != truth).mean()), float((corrected != truth).mean())]


def _audits(implied: Implied, posteriors: list[Floats], labels: Ints, truth: Ints, count: int) -> Iterator[Implied]:
    """Audits of random listings, with what the posteriors at each scale say of them."""
    random, rows = np.random.default_rng(3), np.arange(len(labels))
    likelihood = np.log([np.maximum(each[rows, truth], 1e-3) for each in posteriors])
    wrong = np.array([each.argmax(axis=1) != truth for each in posteriors])
    for _ in range(_DRAWS):
        drawn = random.choice(rows, count, replace=False)
        yield replace(
            implied,
            log_likelihood=likelihood[:, drawn].sum(axis=1),
            wrong_guesses=wrong[:, drawn].sum(axis=1).astype(np.float64),
            wrong_labels=int((labels != truth)[drawn].sum()),
            audited=count,
        )


if __name__ == "__main__":
    typer.run(main)
