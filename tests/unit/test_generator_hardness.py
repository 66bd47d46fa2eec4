"""The demo's catalogue is as hard as a real one: what simple models reach on it, trained on the sellers' labels.

Protocol: 5 folds grouped by normalised title, the sellers' labels to learn from, judged against truth.
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
class Judged:
    """Out-of-sample probabilities, shape (n, C), by text and by picture, NaN where there is no picture; and what is so.

    Labels and truth are of shape (n,), by category number; -1 where the label is missing or unknown.
    """

    text: Floats
    image: Floats
    labels: Ints
    truth: Ints
    catalogue: pd.DataFrame

    def accuracy(self, probabilities: Floats) -> float:
        return float((np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1) == self.truth).mean())


def features(picture: bytes | None) -> Floats | None:
    """16 x 16 pixels, colour histograms, and edge directions by cell (Dalal and Triggs, 2005)."""
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
    """Probabilities, shape (n, C), by a fresh model a fold; labels below 0 are not learnt from."""
    probabilities = np.full((len(labels), labels.max() + 1), 1e-9)
    for train, test in GroupKFold(5).split(labels, groups=groups):
        known = train[labels[train] >= 0]
        fitted = model().fit(inputs(known, known), labels[known])
        probabilities[np.ix_(test, fitted.classes_)] = fitted.predict_proba(inputs(known, test))
    return probabilities


def judge(folder: Path, spec: CatalogueSpec) -> Judged:
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

    # A small problem: more threads only wait for each other.
    with threadpool_limits(1):
        text = out_of_sample(LogisticRegression, words, labels, groups)
        image = np.full_like(text, np.nan)
        if spec.pictures:
            seen = [features(picture) for picture in catalogue["image"]]
            have = np.array([row is not None for row in seen])
            looks = np.array([row for row in seen if row is not None])
            image[have] = out_of_sample(
                lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3),
                lambda _, rows: looks[rows],
                labels[have],
                groups[have],
            )
    return Judged(text, image, labels, catalogue["true_category"].map(codes).to_numpy(np.int64), catalogue)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(tmp_path_factory.mktemp("hard"), CatalogueSpec())


def test_text_alone_is_right_in_88_to_95_percent(judged: Judged) -> None:
    assert 0.88 <= judged.accuracy(judged.text) <= 0.95


def test_pictures_alone_are_right_in_50_to_80_percent(judged: Judged) -> None:
    assert 0.50 <= judged.accuracy(judged.image) <= 0.80


def test_text_and_picture_together_beat_text_alone(judged: Judged) -> None:
    image = np.log(np.where(np.isnan(judged.image), 1.0, np.maximum(judged.image, 1e-4)))
    fused = [np.log(judged.text) + weight * image for weight in (0.02, 0.05, 0.1, 0.2, 0.4)]
    # The weight that the sellers' labels favour; the truth has no say in it.
    favoured = max(fused, key=lambda scores: (scores.argmax(axis=1) == judged.labels).sum())
    assert judged.accuracy(favoured) >= judged.accuracy(judged.text) + 0.015


def test_the_labels_are_as_wrong_as_asked_for(judged: Judged) -> None:
    wrong = np.mean(["wrong_category" in issues for issues in judged.catalogue["issues"]])
    assert 0.18 <= wrong <= 0.25


def test_another_seed_and_size_are_as_hard(tmp_path: Path) -> None:
    other = judge(tmp_path, CatalogueSpec(listings=4500, categories=36, seed=11, pictures=False))
    assert 0.88 <= other.accuracy(other.text) <= 0.95
