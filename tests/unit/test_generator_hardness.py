"""The generated catalogue is as hard as a real one: accuracy of simple models trained on the sellers' labels.

Protocol: 5-fold cross-validation grouped by normalised title, trained on the sellers' labels, scored by the truth.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from schemas.arrays import Floats, Ints

CELL, ANGLES = 8, 8


@dataclass(frozen=True)
class Predicted:
    """Out-of-sample probabilities, shape (n, C), of text and picture (NaN where there is no picture), with the truth.

    Labels and truth have shape (n,) and hold category numbers; -1: the label is missing or unknown.
    """

    text: Floats
    image: Floats
    labels: Ints
    truth: Ints
    catalogue: pd.DataFrame

    def accuracy(self, probabilities: Floats) -> float:
        return float((np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1) == self.truth).mean())


def features(picture: bytes | None) -> Floats | None:
    """16 x 16 pixels, colour histograms, and histograms of edge directions per cell (Dalal and Triggs, 2005)."""
    try:
        image = Image.open(io.BytesIO(picture or b"")).convert("RGB")
    except OSError:
        return None
    small = np.asarray(image.resize((16, 16), Image.Resampling.BOX), dtype=float).ravel() / 255
    colours = [np.histogram(np.asarray(image)[..., k], 8, (0, 256), density=True)[0] * 32 for k in range(3)]
    grey = np.asarray(image.convert("L").resize((48, 64), Image.Resampling.BOX), dtype=float) / 255
    down, right = np.gradient(grey)
    direction = (np.arctan2(down, right) % np.pi / np.pi * ANGLES).astype(int) % ANGLES
    rows, columns = np.indices(grey.shape) // CELL
    edges = np.bincount(
        ((rows * 6 + columns) * ANGLES + direction).ravel(), np.hypot(down, right).ravel(), 48 * ANGLES
    ).reshape(48, ANGLES)
    edges = np.sqrt(edges / (np.linalg.norm(edges, axis=1, keepdims=True) + 0.3))
    return np.concatenate((small, *colours, edges.ravel()))


def out_of_sample(model: Any, inputs: Any, labels: Ints, groups: NDArray[Any]) -> Floats:  # noqa: ANN401
    """Probabilities, shape (n, C), from one model per fold; labels below 0 are not used for training."""
    probabilities = np.full((len(labels), labels.max() + 1), 1e-9)
    for train, test in GroupKFold(5).split(labels, groups=groups):
        known = train[labels[train] >= 0]
        fitted = model().fit(inputs(known, known), labels[known])
        probabilities[np.ix_(test, fitted.classes_)] = fitted.predict_proba(inputs(known, test))
    return probabilities


def predict(folder: Path, spec: CatalogueSpec) -> Predicted:
    write_catalogue(folder, spec)
    listings = pd.read_parquet(folder / "listings.parquet").sort_values("updated_at")
    catalogue = listings.drop_duplicates("listing_id", keep="last").merge(pd.read_parquet(folder / "truth.parquet"))
    codes = {code: number for number, code in enumerate(sorted(catalogue["true_category"].unique()))}
    labels = catalogue["category"].map(codes).fillna(-1).to_numpy(np.int64)
    title = catalogue["title"].fillna("").str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    groups = title.where(title != "", catalogue["listing_id"]).to_numpy()
    texts = (catalogue["title"].fillna("") + ". " + catalogue["description"].fillna("")).to_numpy()

    def words(fit: Ints, rows: Ints) -> Any:  # noqa: ANN401
        return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(texts[fit]).transform(texts[rows])

    # The problem is small: more threads would only slow it down.
    with threadpool_limits(1):
        text = out_of_sample(LogisticRegression, words, labels, groups)
        image = np.full_like(text, np.nan)
        if spec.pictures:
            computed = [features(picture) for picture in catalogue["image"]]
            have = np.array([row is not None for row in computed])
            pixels = np.array([row for row in computed if row is not None])
            image[have] = out_of_sample(
                lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3),
                lambda _, rows: pixels[rows],
                labels[have],
                groups[have],
            )
    return Predicted(text, image, labels, catalogue["true_category"].map(codes).to_numpy(np.int64), catalogue)


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    return predict(tmp_path_factory.mktemp("hard"), CatalogueSpec())


def test_text_alone_reaches_88_to_95_percent(predicted: Predicted) -> None:
    assert 0.88 <= predicted.accuracy(predicted.text) <= 0.95


def test_pictures_alone_reach_50_to_80_percent(predicted: Predicted) -> None:
    assert 0.50 <= predicted.accuracy(predicted.image) <= 0.80


def test_text_and_picture_together_beat_text_alone(predicted: Predicted) -> None:
    image = np.log(np.where(np.isnan(predicted.image), 1.0, np.maximum(predicted.image, 1e-4)))
    fused = [np.log(predicted.text) + weight * image for weight in (0.02, 0.05, 0.1, 0.2, 0.4)]
    # The weight is chosen by the sellers' labels, not by the truth.
    chosen = max(fused, key=lambda scores: (scores.argmax(axis=1) == predicted.labels).sum())
    assert predicted.accuracy(chosen) >= predicted.accuracy(predicted.text) + 0.015


def test_the_share_of_wrong_labels_is_near_the_specified_one(predicted: Predicted) -> None:
    wrong = np.mean(["wrong_category" in issues for issues in predicted.catalogue["issues"]])
    assert 0.18 <= wrong <= 0.25


def test_a_catalogue_of_another_seed_and_size_is_as_hard(tmp_path: Path) -> None:
    other = predict(tmp_path, CatalogueSpec(listings=4500, categories=36, seed=11, pictures=False))
    assert 0.88 <= other.accuracy(other.text) <= 0.95
