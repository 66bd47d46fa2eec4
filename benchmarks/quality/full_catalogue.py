"""Measures the product's commands on the full catalogue with pictures, the contribution of each part, and cleanlab."""

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
from benchmarks.quality.leakage import measure_leakage
from benchmarks.quality.run_cleanlab import run_cleanlab
from benchmarks.quality.stages import read_cleaned, run_pipeline
from benchmarks.quality.training_time import measure_training_time
from schemas.arrays import Bools, Floats
from training.evaluation import log_probabilities
from udfs.rankings import RANKING

_BINS = 10
_SHARES = tuple(round(0.01 * i, 2) for i in range(31))
"""The shares of the catalogue that people review."""


def measure_full_catalogue(
    folder: Path, work: Path, peers: Path, origin: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Ingest, train and clean; then compare the category from each source with the truth.

    Args:
        folder: listings.parquet, taxonomy.csv, truth.parquet.
        work: folder that keeps the warehouse; a stage with the same origin is not run again.
        peers: the Python of the environment with cleanlab.
        origin: a digest of the catalogue and of the code.
        say: prints a progress message.

    Returns:
        seconds by stage; rows of (source, error, share of listings with an answer); the data of the charts; branches,
        minutes and leak: the results of `measure_branches`, `measure_training_time` and `measure_leakage`.
    """
    warehouse = work / "whole"
    seconds = run_pipeline(folder, warehouse, origin, say)
    listings = read_cleaned(warehouse, folder)
    return {
        "seconds": seconds,
        "listings": len(listings),
        **_figures(listings, work, peers),
        "branches": measure_branches(warehouse, listings["truth"]),
        "minutes": measure_training_time(folder, work, origin, say),
        "leak": measure_leakage(read_catalogue(folder), work, origin, say),
    }


def _figures(listings: pd.DataFrame, work: Path, peers: Path) -> dict[str, Any]:
    truth = listings["truth"].to_numpy(object)
    confidence = listings["category_confidence"].to_numpy(float)
    best, kept = listings["best_category"].to_numpy(object), listings["effective_category"].to_numpy(object)
    right = best == truth
    categories = sorted(set(truth) | set(listings["category"].dropna()) | set(listings["predicted_category"].dropna()))
    found, quality = _cleanlab(listings, categories, work, peers)
    given, model = listings["category"].to_numpy(object), listings["predicted_category"].to_numpy(object)
    cleaned = {name: np.where(wrong, model, given) for name, wrong in found.items()}
    best_filter = min(cleaned, key=lambda name: float((cleaned[name] != truth).mean()))
    corrected = (listings["category_action"] == "corrected").to_numpy()
    sure = listings["confidence"].to_numpy(float)
    sources = {
        "sellers": given,
        "pictures alone": listings["image_category"].to_numpy(object),
        "texts alone": listings["text_category"].to_numpy(object),
        "text and picture fused": model,
        "the fused model where its confidence is 0.9, else the seller": np.where(sure >= 0.9, model, given),
        f"cleanlab on the fused model ({best_filter})": cleaned[best_filter],
        "ours: automatic corrections": kept,
        "ours: best guess": best,
    }
    return {
        "rows": [(what, *_error_and_coverage(given, truth)) for what, given in sources.items()],
        "precision": float((kept == truth)[corrected].mean()),
        "reliability": [
            (float(confidence[rows].mean()), float(right[rows].mean()))
            for rows in np.array_split(np.argsort(confidence, kind="stable"), _BINS)
        ],
        "review": {
            "ours": _reviewed(right, confidence),
            f"cleanlab ({best_filter})": _reviewed(cleaned[best_filter] == truth, quality),
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


def _error_and_coverage(categories: NDArray[np.object_], truth: NDArray[np.object_]) -> tuple[float, float]:
    """The error among listings with a category from this source, and their share."""
    answers = pd.notna(categories)
    return float((categories != truth)[answers].mean()), float(answers.mean())


def _cleanlab(
    listings: pd.DataFrame, categories: list[str], work: Path, peers: Path
) -> tuple[dict[str, Bools], Floats]:
    """The labels that each cleanlab filter finds wrong, and cleanlab's label quality; missing labels count as wrong."""
    index = {category: i for i, category in enumerate(categories)}
    labelled = listings["category"].isin(index).to_numpy()
    counts = listings["category"][labelled].value_counts(normalize=True)
    base = counts.reindex(categories, fill_value=0.0).to_numpy(np.float64)
    rankings = pa.array([list(each) for each in listings["top_categories"][labelled]], RANKING)
    probabilities = np.exp(log_probabilities(rankings, categories, base))
    labels = np.array([index[category] for category in listings["category"][labelled]], np.int64)
    answer = run_cleanlab(peers, work, labels, probabilities)
    quality = np.zeros(len(listings))
    quality[labelled] = answer.pop("label_quality")
    found = {name: np.ones(len(listings), np.bool_) for name in answer}
    for name, wrong in answer.items():
        found[name][labelled] = wrong
    return found, quality


def _reviewed(right: Bools, confidence: Floats) -> list[float]:
    """The share of wrong listings after people have reviewed each of `_SHARES`, least certain first."""
    order = np.argsort(confidence, kind="stable")
    wrong = ~right[order]
    return [float(wrong[int(share * len(wrong)) :].sum() / len(wrong)) for share in _SHARES]
