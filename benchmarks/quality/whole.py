"""The whole catalogue with its pictures, through the product's own commands; what each part earns, and the peers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.quality.ablation import measure_branches
from benchmarks.quality.catalogue import read_catalogue
from benchmarks.quality.leak import measure_leak
from benchmarks.quality.minutes import measure_minutes
from benchmarks.quality.peers import ask_peers
from benchmarks.quality.stages import clean_whole, read_cleaned
from schemas.arrays import Bools, Floats
from training.evaluation import log_probabilities
from udfs.rankings import RANKING

_BINS = 10
_SHARES = tuple(round(0.01 * i, 2) for i in range(31))
"""Of the catalogue that people have looked at."""


def measure_whole(folder: Path, work: Path, peers: Path, origin: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Ingest, train, clean; then hold every witness against the truth.

    Args:
        folder: listings.parquet, taxonomy.csv, truth.parquet.
        work: keeps the warehouse: a stage that has been done with the same origin is not done again.
        peers: the Python of the peers' environment.
        origin: a digest of the catalogue and of the code.
        say: shows a line of progress.

    Returns:
        seconds by stage; rows of (what, error, share that answers); what the pictures show; branches, as
        `measure_branches` gives them; minutes, as `measure_minutes` does; leak, as
        `measure_leak`.
    """
    warehouse = work / "whole"
    seconds = clean_whole(folder, warehouse, origin, say)
    listings = read_cleaned(warehouse, folder)
    return {
        "seconds": seconds,
        "listings": len(listings),
        **_figures(listings, work, peers),
        "branches": measure_branches(warehouse, listings["truth"]),
        "minutes": measure_minutes(folder, work, origin, say),
        "leak": measure_leak(read_catalogue(folder), work, origin, say),
    }


def _figures(listings: pd.DataFrame, work: Path, peers: Path) -> dict[str, Any]:
    truth = listings["truth"].to_numpy(object)
    confidence = listings["category_confidence"].to_numpy(float)
    best, kept = listings["best_category"].to_numpy(object), listings["effective_category"].to_numpy(object)
    right = best == truth
    categories = sorted(set(truth) | set(listings["category"].dropna()) | set(listings["predicted_category"].dropna()))
    found, quality = _peers(listings, categories, work, peers)
    given, model = listings["category"].to_numpy(object), listings["predicted_category"].to_numpy(object)
    cleaned = {name: np.where(wrong, model, given) for name, wrong in found.items()}
    rival = min(cleaned, key=lambda name: float((cleaned[name] != truth).mean()))
    corrected = (listings["category_action"] == "corrected").to_numpy()
    sure = listings["confidence"].to_numpy(float)
    witnesses = {
        "sellers": given,
        "pictures alone": listings["image_category"].to_numpy(object),
        "texts alone": listings["text_category"].to_numpy(object),
        "text and picture fused": model,
        "the fused model where its confidence is 0.9, else the seller": np.where(sure >= 0.9, model, given),
        f"cleanlab on the fused model ({rival})": cleaned[rival],
        "ours: automatic corrections": kept,
        "ours: best guess": best,
    }
    return {
        "rows": [(what, *_answered(said, truth)) for what, said in witnesses.items()],
        "precision": float((kept == truth)[corrected].mean()),
        "reliability": [
            (float(confidence[rows].mean()), float(right[rows].mean()))
            for rows in np.array_split(np.argsort(confidence, kind="stable"), _BINS)
        ],
        "review": {
            "ours": _reviewed(right, confidence),
            f"cleanlab ({rival})": _reviewed(cleaned[rival] == truth, quality),
            "the fused model alone": _reviewed(model == truth, sure),
            "nothing but people": _reviewed(given == truth, quality),
        },
        "shares": list(_SHARES),
        "categories": [
            (str(category), int(own.sum()), float((given != truth)[own].mean()), float((best != truth)[own].mean()))
            for category in categories
            if (own := truth == category).any()
        ],
    }


def _answered(said: NDArray[np.object_], truth: NDArray[np.object_]) -> tuple[float, float]:
    """Error among the listings of which something is said, and their share."""
    answers = pd.notna(said)
    return float((said != truth)[answers].mean()), float(answers.mean())


def _peers(listings: pd.DataFrame, categories: list[str], work: Path, peers: Path) -> tuple[dict[str, Bools], Floats]:
    """What each filter finds wrong, and how good cleanlab finds each label; a listing without one is found wrong."""
    index = {category: i for i, category in enumerate(categories)}
    labelled = listings["category"].isin(index).to_numpy()
    counts = listings["category"][labelled].value_counts(normalize=True)
    base = counts.reindex(categories, fill_value=0.0).to_numpy(np.float64)
    rankings = pa.array([list(each) for each in listings["top_categories"][labelled]], RANKING)
    probabilities = np.exp(log_probabilities(rankings, categories, base))
    labels = np.array([index[category] for category in listings["category"][labelled]], np.int64)
    answer = ask_peers(peers, work, labels, probabilities)
    quality = np.zeros(len(listings))
    quality[labelled] = answer.pop("label_quality")
    found = {name: np.ones(len(listings), np.bool_) for name in answer}
    for name, wrong in answer.items():
        found[name][labelled] = wrong
    return found, quality


def _reviewed(right: Bools, confidence: Floats) -> list[float]:
    """What is left wrong once people have settled each of `_SHARES`, the least sure first."""
    order = np.argsort(confidence, kind="stable")
    wrong = ~right[order]
    return [float(wrong[int(share * len(wrong)) :].sum() / len(wrong)) for share in _SHARES]
