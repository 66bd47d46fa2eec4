"""`python -m benchmarks.quality.world_regret FOLDER`: the regret of rules for trusting the classifier, by world.

The regret is the share of wrong best guesses, less the smallest share that is wrong among the labels, the classifier's
categories and the best guesses at any scale or by our rule. The truth makes the labels and measures the result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.quality.metrics import corrected_labels
from benchmarks.quality.origin import WORLD_CODE, origin_of
from benchmarks.quality.picture_vectors import keep_vectors
from benchmarks.quality.regrets import CLASSIFIER, KEEP, OURS, TRUE_SHARE, Found, regret_table, summary
from benchmarks.quality.stages import is_current
from benchmarks.quality.world_arrays import Arrays, judged_branches, prepare
from benchmarks.quality.world_classifier import count_pairs
from benchmarks.quality.world_lists import MIXED_DEPTHS, PICTURES, SELECTION, VALIDATION, WORLDS
from benchmarks.quality.worlds import World
from conf.load import load_settings
from schemas.arrays import Floats, Ints
from schemas.branches import TEXT, Fusion
from training.error_share import twin_share
from training.first_pass import FewerListings, FirstPass, fit_first_pass, gather_evidence, initial_fusion
from training.fitting import fit_sample
from training.sample import Sample
from training.scale import SCALES, Implied, choose_scale, fit_to_convergence, scaled, solve_scale, unit_fusion
from udfs.ancestors import family_confidence, resolve_log
from udfs.fusion import fuse
from udfs.posterior import posterior

_AUDITS, _DRAWS = (150, 400), 10


class Worlds(StrEnum):
    """Groups of worlds."""

    SELECTION = "selection"
    VALIDATION = "validation"
    PICTURES = "pictures"
    MIXED_DEPTHS = "mixed-depths"
    ALL = "all"


_GROUPS = {
    Worlds.SELECTION: SELECTION,
    Worlds.VALIDATION: VALIDATION,
    Worlds.PICTURES: PICTURES,
    Worlds.MIXED_DEPTHS: MIXED_DEPTHS,
    Worlds.ALL: WORLDS,
}


def main(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A catalogue with known truth.")],
    work: Annotated[Path, typer.Option("--work", help="Keeps what was measured.")] = Path(".cache/quality"),
    *,
    group: Annotated[Worlds, typer.Option("--worlds", help="The worlds to measure.")] = Worlds.ALL,
    only: Annotated[str, typer.Option("--only", help="Worlds whose name has this part.")] = "",
) -> None:
    """Measure the worlds without a kept result, and print the regret by size."""
    console, work = Console(highlight=False, soft_wrap=True), work.absolute()
    chosen = [world for world in _GROUPS[group] if only in world.name]
    for anonymous in (False, True):
        found = measure_worlds(chosen, folder, work, console.print, anonymous=anonymous)
        console.print(regret_table("sellers unknown" if anonymous else "sellers known", found))


def measure_worlds(
    worlds: Sequence[World], folder: Path, work: Path, say: Callable[[str], None], *, anonymous: bool = False
) -> list[tuple[World, Found]]:
    """Measure the worlds that have no kept result with this catalogue and this code.

    Args:
        worlds: the worlds.
        folder: a catalogue with known truth.
        work: folder that keeps the results, and the vectors of the pictures.
        say: prints a progress message.
        anonymous: whether the sellers are hidden; worlds with pictures are left out then, because their second pass
            has seen the sellers.
    """
    kept = work / "worlds"
    kept.mkdir(parents=True, exist_ok=True)
    made_by, measured_by = origin_of(folder, WORLD_CODE), origin_of(folder)
    results = []
    for world in sorted(worlds, key=lambda each: each.listings):
        if anonymous and world.pictures:
            continue
        file = kept / f"{world.name}{'-anonymous' if anonymous else ''}.json"
        if not is_current(file, world.origin(measured_by)):
            vectors = keep_vectors(folder, work, say) if world.pictures else None
            arrays = prepare(world, folder, vectors, kept, measured_by if world.pictures else made_by)
            found = measure_world(arrays, anonymous=anonymous)
            file.write_text(json.dumps({"origin": world.origin(measured_by), **found}), encoding="utf-8")
            say(f"{file.stem}: {summary(found)}")
        results.append((world, json.loads(file.read_text(encoding="utf-8"))))
    return results


def measure_world(arrays: Arrays, *, anonymous: bool) -> Found:
    """What each rule leaves wrong, best guess and automatic corrections; `arrays` as `prepare` returns them."""
    labels, truth, distances = arrays["labels"], arrays["truth"], arrays["distances"]
    sellers = np.full(len(labels), -1) if anonymous else arrays["sellers"]
    sample = _sample(arrays, {TEXT.name: arrays["log_p"].astype(np.float32)}, sellers)
    fewer = FewerListings(arrays["fewer"], float(arrays["ratio"]))
    twins = twin_share(count_pairs(labels, arrays["texts"], sellers, arrays["ancestors"]))
    first = fit_first_pass(sample, distances, fewer, twins)
    text = sample.branches[TEXT.name][sample.usable].astype(np.float64)
    confident = gather_evidence(sample, text, None, None).confident
    judged = _sample(arrays, judged_branches(arrays), sellers)
    fusion, ours = _judge(judged, first, distances)
    log_q = [fuse(judged.branches, scaled(fusion, scale)).astype(np.float64) for scale in SCALES.tolist()]
    concentration = first.noise.concentration
    posteriors = [fit_to_convergence(judged, each, distances, concentration).posterior for each in log_q]
    guesses = fuse(judged.branches, fusion).argmax(axis=1)
    implied = Implied(
        np.array([1.0 - each[np.arange(len(labels)), labels].mean() for each in posteriors]),
        np.array([1.0 - each.max(axis=1).mean() for each in posteriors]),
        np.array([1.0 - np.exp(each.max(axis=1)).mean() for each in log_q]),
        float((guesses != labels).mean()),
    )
    outcomes = np.array([_left(each, labels, truth) for each in posteriors])
    before = float((labels != truth).mean())
    classifier, left = float((guesses != truth).mean()), _left(ours, labels, truth)

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
        "least": min(before, classifier, left[0], float(outcomes[:, 0].min())),
        "share": first.share.value,
        "scale": first.scale,
        "source": first.share.source,
        "rules": {
            KEEP: [[before, before]],
            CLASSIFIER: [[classifier, classifier]],
            "scale 1": [at(1.0)],
            "confident listings only": [at(choose_scale(implied, confident))],
            OURS: [left],
            TRUE_SHARE: [at(solve_scale(implied.shares, before))],
            **audits,
        },
    }


def _sample(arrays: Arrays, branches: dict[str, Any], sellers: Ints) -> Sample:
    labels, ancestors = arrays["labels"], arrays["ancestors"]
    nobody, ids = np.full(len(labels), -1), tuple(map(str, range(int(sellers.max(initial=-1)) + 1)))
    resolved = {name: resolve_log(each, labels, ancestors) for name, each in branches.items()}
    confidence = family_confidence(branches[TEXT.name], ancestors) if ancestors.any() else None
    return Sample(labels, nobody, nobody, sellers, arrays["titles"], ids, resolved, confidence)


def _judge(judged: Sample, first: FirstPass, distances: Ints) -> tuple[Fusion, Floats]:
    """The branch weights at scale 1, and the posterior of our rule; with pictures, as a second pass has it."""
    if len(judged.branches) == 1:
        return initial_fusion(judged), first.noise.posterior
    categories = tuple(map(str, range(judged.shape[1])))
    fitted = fit_sample(judged, distances, categories, first)
    log_q = fuse(judged.branches, fitted.fusion).astype(np.float64)
    rates = np.array([*(fitted.noise.sellers[each] for each in judged.seller_ids), fitted.noise.error_rate])
    found, _ = posterior(log_q, judged.labels, rates[judged.sellers], fitted.noise.transitions)
    return unit_fusion(fitted.fusion, TEXT.name, TEXT.name), found


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
