"""What each branch contributes: the champion's errors on the same listings with subsets of its branches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from conf.load import load_settings
from jobs.features.stored import with_vectors
from jobs.store import read_published
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.arrays import Floats, Ints
from schemas.branches import Fusion, Input
from schemas.bundle import NoiseModel
from schemas.tables import LISTINGS
from training.first_pass import max_likelihood_fusion
from training.registry import open_registry
from training.sample import Sample, seller_codes
from training.scale import scaled
from udfs.fusion import fuse
from udfs.posterior import label_likelihood, posterior
from udfs.predictor import Predictor, load_predictor
from udfs.vectors import read_vectors

_ROWS, _BATCH = 6000, 1000
_BOTH = f"{Input.TEXT}+{Input.IMAGE}"
_THREADS = 2
_READ = ("listing_id", "title", "description", "vector", "bucket", "seller_id", "category")
_ALL = ("text", "image", "head")
_SUBSETS = {
    "text alone": ("text",),
    "picture alone": ("image",),
    "early fusion alone (the fused head)": ("head",),
    "late fusion alone (text and picture)": ("text", "image"),
    "text and fused head": ("text", "head"),
    "text, picture and fused head": _ALL,
}


def measure_branches(warehouse: Path, truth: pd.Series) -> list[tuple[str, float, float]]:
    """Fit weights for each set of branches, as training does, and measure the remaining errors.

    Args:
        warehouse: a warehouse after `train` and `nightly`.
        truth: true category by listing_id.

    Returns:
        For each set: its name, the classifier's error and the best guess's error, out of sample, on the same listings
        with a text and a picture.
    """
    registry = open_registry(warehouse, str(warehouse), load_settings("local").registry)
    model = registry.model(registry.champion_version())
    index = {category: i for i, category in enumerate(model.spec.categories)}
    listings = _read(warehouse, model.spec.encoder, truth)
    listings = listings[listings["category"].isin(index) & listings["truth"].isin(index)]
    sample = _predict(load_predictor(model.bundle, _THREADS), listings, index)
    right = _indices(listings["truth"], index)
    rates = _rates(model.noise, sample)
    likelihood = label_likelihood(sample.labels, rates, model.noise.transitions)

    def likeliest(branches: tuple[str, ...]) -> Fusion:
        start = {_BOTH: {branch: 0.3 if i else 1.0 for i, branch in enumerate(branches)}}
        return max_likelihood_fusion(sample, start, likelihood.copy())

    # How far the champion trusts its branches, relative to the likeliest weights.
    chosen, free = (sum(fusion[_BOTH].values()) for fusion in (model.spec.fusion, likeliest(_ALL)))
    rows = []
    for name, branches in _SUBSETS.items():
        fusion = scaled(likeliest(branches), chosen / free)
        log_q = fuse(sample.branches, fusion).astype(np.float64)
        belief, _ = posterior(log_q, sample.labels, rates, model.noise.transitions)
        rows.append((name, _error(log_q, right), _error(belief, right)))
    return rows


def _read(warehouse: Path, encoder: str, truth: pd.Series) -> pd.DataFrame:
    """Listings with a text, the kept vector of a usable picture, and a known truth."""
    spark = open_session(load_settings("local").spark, "quality")
    try:
        workspace = open_warehouse(spark, str(warehouse))
        seen = read_published(workspace, "predictions").where(
            "text_category is not null and image_category is not null"
        )
        chosen = seen.select("listing_id").orderBy("listing_id").toPandas()["listing_id"]
        chosen = chosen[chosen.isin(truth.index)].sample(min(_ROWS, len(chosen)), random_state=0)
        wanted = spark.createDataFrame([(each,) for each in chosen], "listing_id string")
        content = workspace.read(LISTINGS).join(wanted, "listing_id")
        listings = with_vectors(workspace, content, encoder).select(*_READ).toPandas()
    finally:
        spark.stop()
    return listings.assign(truth=listings["listing_id"].map(truth)).sort_values("listing_id", ignore_index=True)


def _predict(predictor: Predictor, listings: pd.DataFrame, index: dict[str, int]) -> Sample:
    parts = []
    for start in range(0, len(listings), _BATCH):
        rows = listings.iloc[start : start + _BATCH]
        texts = predictor.featurize(_texts(rows["title"]), _texts(rows["description"]))
        pictures = read_vectors(pa.array(rows["vector"], pa.binary()))
        parts.append(predictor.run(texts, pictures, rows["bucket"].to_numpy(np.int64)))
    codes, ids = seller_codes([seller if isinstance(seller, str) else None for seller in listings["seller_id"]])
    return Sample(
        labels=_indices(listings["category"], index),
        truths=np.full(len(listings), -1),
        audited=np.full(len(listings), -1),
        sellers=codes,
        groups=listings["bucket"].to_numpy(np.int64),
        seller_ids=ids,
        branches={name: np.concatenate([part.branches[name] for part in parts]) for name in parts[0].branches},
    )


def _texts(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column]


def _indices(column: pd.Series, index: dict[str, int]) -> Ints:
    return np.array([index[value] for value in column], np.int64)


def _rates(noise: NoiseModel, sample: Sample) -> Floats:
    known = [noise.sellers.get(seller, noise.error_rate) for seller in sample.seller_ids]
    return np.array([*known, noise.error_rate])[sample.sellers]


def _error(scores: Floats, right: Ints) -> float:
    return float((scores.argmax(axis=1) != right).mean())
