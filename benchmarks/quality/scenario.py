"""Measures one world in detail: what our method and each of cleanlab's filters leave wrong."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.metrics import error_of, measure
from benchmarks.quality.our_method import CleaningResult, OurMethod
from benchmarks.quality.run_cleanlab import run_cleanlab
from benchmarks.quality.worlds import World
from conf.settings import Settings
from schemas.arrays import Ints
from udfs.ancestors import same_if_related


def measure_scenario(world: World, folder: Path, vectors: Path | None, peers: Path, work: Path) -> dict[str, Any]:
    """Clean a world with our method and with cleanlab.

    Args:
        world, folder, vectors: as for `World.make`.
        peers: the Python of the environment with cleanlab.
        work: folder for cleanlab's files.

    Returns:
        listings; ours, the fields of `Metrics`; fit, the figures of the fit; one_pass, no_sellers and classifier, the
        errors of the best guess after one pass, without sellers, and of the classifier alone; peers, filter -> error.
    """
    part, labels = world.make(folder, vectors)
    truth = same_if_related(part.truth, labels, part.ancestors)
    method = OurMethod(part, labels)
    ours, one_pass, no_sellers = method.clean(), method.clean(passes=1), method.clean(sellers_known=False)
    # cleanlab gets what one pass of ours starts from; listings without a text have the prior of the categories.
    given = one_pass.classifier if world.pictures else method.first
    log_q = np.where(np.isnan(given), one_pass.classifier, given).astype(np.float64)
    found = run_cleanlab(peers, work, labels, np.exp(log_q))
    del found["label_quality"]
    wrong = {name: error_of(issues, log_q.argmax(axis=1), labels, truth) for name, issues in found.items()}
    return {
        "listings": len(part),
        "ours": asdict(measure(ours, labels, truth, Settings().decide)),
        "fit": ours.figures,
        "one_pass": _error(one_pass, truth),
        "no_sellers": _error(no_sellers, truth),
        "classifier": error_of(np.ones(len(part), np.bool_), log_q.argmax(axis=1), labels, truth),
        "peers": wrong,
    }


def _error(result: CleaningResult, truth: Ints) -> float:
    """Share of listings whose best guess is wrong."""
    return float((result.posterior.argmax(axis=1) != truth).mean())
