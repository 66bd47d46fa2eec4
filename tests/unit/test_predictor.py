from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from schemas.bundle import BundleSpec, NoiseModel
from schemas.errors import BundleFormatError
from schemas.estimates import ShareEstimate
from tests.encoders import save_picture_encoder
from training.bundle import write_bundle
from udfs.bundle import load_noise, load_spec
from udfs.classify import COLUMNS, Scoring, score_batches
from udfs.encoders.folder import open_encoder, read_encoder_spec, write_encoder
from udfs.fusion import fuse
from udfs.pictures import decode
from udfs.predictor import Predictor
from udfs.pyfunc import PyfuncModel
from udfs.tf_runtime import Array
from udfs.vectors import read_vectors

NAN = float("nan")
FUSION = {
    "text+image": {"text": 2.0, "image": 1.0, "head": 0.0},
    "text": {"text": 0.5},
    "image": {"image": 1.0},
}
SPEC = BundleSpec(
    categories=("hats", "shoes", "tops"),
    text_members=6,
    pictures=True,
    encoder="tests",
    text={"hash_size": 1 << 16, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100},
    picture={"max_pixels": 10_000, "blank_deviation": 1.0},
    fusion=FUSION,
    prior=(0.2, 0.3, 0.5),
)


def picture(red: int) -> bytes:
    image = Image.new("RGB", (4, 4), (red, 0, 0))
    image.putpixel((0, 0), (0, 255, 255))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def logs(*probabilities: float) -> Array:
    return np.log(np.array(probabilities, np.float32))


class Calls:
    """Networks that show which member was used: its number is the highest probability in tenths."""

    def __init__(self) -> None:
        self.vectors: list[Array] = []

    def text(self, ids: Array, weights: Array, splits: Array, fold: Array) -> dict[str, Array]:
        del ids, weights
        p = 0.4 + fold / 10
        return {
            "text": np.log(np.stack([p, (1 - p) / 2, (1 - p) / 2], 1)).astype(np.float32),
            "known": np.diff(splits),
            "known_words": np.zeros(len(fold), np.int64),
        }

    def pictures(self, vectors: Array, ids: Array, weights: Array, splits: Array, fold: Array) -> dict[str, Array]:
        del ids, weights
        assert len(splits) == len(vectors) + 1
        self.vectors.append(vectors)
        told = np.where((fold % 2 > 0)[:, None], logs(0.1, 0.1, 0.8), logs(0.1, 0.8, 0.1))
        return {"image": told, "head": told}


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder / "encoder", save_picture_encoder(folder / "tiny.keras", 32), 32)
    return folder / "encoder"


@pytest.fixture
def predictor(calls: Calls, encoder: Path) -> Predictor:
    return Predictor(SPEC, calls.text, calls.pictures, encoder, 1)


def test_every_listing_is_predicted_by_the_members_of_its_fold(predictor: Predictor) -> None:
    buckets = np.array([0, 5, 6, 2519])
    judged, status = predictor.predict(["hat"] * 4, [None] * 4, [picture(9)] * 4, buckets)
    assert status == ["ok"] * 4
    assert np.exp(judged.branches["text"][:, 0]) == pytest.approx([0.4, 0.9, 0.4, 0.9])
    assert judged.branches["image"].argmax(axis=1).tolist() == [1, 2, 1, 2]


def test_novelty_is_the_share_of_words_that_the_vocabulary_lacks(calls: Calls, encoder: Path) -> None:
    def text(fold: Array, **inputs: Array) -> dict[str, Array]:
        return calls.text(fold=fold, **inputs) | {"known_words": np.array([3, 1, 0])}

    predictor = Predictor(SPEC, text, calls.pictures, encoder, 1)
    judged, _ = predictor.predict(["red felt hat", "hat of felt", None], [None] * 3, [None] * 3, np.zeros(3, int))
    assert judged.novelty[:2] == pytest.approx([0.0, 2 / 3])
    assert np.isnan(judged.novelty[2])


def test_missing_inputs_are_left_out(predictor: Predictor) -> None:
    titles, images = ["hat", "hat", None, None], [picture(9), None, picture(9), b"junk"]
    judged, status = predictor.predict(titles, [None] * 4, images, np.zeros(4, np.int64))
    assert status == ["ok", "missing", "ok", "corrupt"]
    assert np.isnan(judged.branches["text"]).all(axis=1).tolist() == [False, False, True, True]
    assert np.isnan(judged.branches["image"]).all(axis=1).tolist() == [False, True, False, True]
    both = np.array([0.4**2 * 0.1, 0.3**2 * 0.8, 0.3**2 * 0.1])
    root = np.sqrt([0.4, 0.3, 0.3])
    assert np.exp(judged.fused[0]) == pytest.approx(both / both.sum(), rel=1e-5)
    assert np.exp(judged.fused[1]) == pytest.approx(root / root.sum(), rel=1e-5)
    assert np.exp(judged.fused[2]) == pytest.approx([0.1, 0.8, 0.1], rel=1e-5)
    assert np.isnan(judged.fused[3]).all()


def test_the_picture_network_gets_the_vectors_of_the_usable_pictures(
    predictor: Predictor, calls: Calls, encoder: Path
) -> None:
    images = [None, picture(9), b"junk", picture(200)]
    predictor.predict(["hat"] * 4, [None] * 4, images, np.zeros(4, np.int64))
    pixels = decode([images[1], images[3]], height=32, width=32, keep_aspect=True, **SPEC.picture).pixels  # type: ignore[arg-type]
    (vectors,) = calls.vectors
    assert vectors == pytest.approx(open_encoder(encoder, 1).encode(pixels))
    assert vectors[0, 0] < vectors[1, 0]


def test_a_branch_without_a_prediction_does_not_count() -> None:
    """A listing has an input if a branch that needs only this input predicts; branches without their input abstain."""
    text, image = np.tile(logs(0.7, 0.2, 0.1), (2, 1)), np.tile(logs(0.1, 0.1, 0.8), (2, 1))
    head = np.array([logs(0.2, 0.6, 0.2), [NAN] * 3])
    weights = {"text+image": {"text": 1.0, "image": 1.0, "head": 1.0}}
    fused = np.exp(fuse({"text": text, "image": image, "head": head}, weights))
    two = np.array([0.7 * 0.1, 0.2 * 0.1, 0.1 * 0.8])
    three = two * [0.2, 0.6, 0.2]
    assert fused[0] == pytest.approx(three / three.sum(), rel=1e-5)
    assert fused[1] == pytest.approx(two / two.sum(), rel=1e-5)


def test_a_model_without_a_picture_branch_has_the_text_branch_alone(calls: Calls, encoder: Path) -> None:
    spec = dataclasses.replace(SPEC, pictures=False, fusion={"text": {"text": 1.0}})
    predictor = Predictor(spec, calls.text, None, encoder, 1)
    found, status = predictor.predict(["hat"], [None], [picture(9)], np.zeros(1, np.int64))
    assert (status, list(found.branches)) == (["ok"], ["text"])
    assert np.isnan(found.of("image")).all()
    assert found.fused == pytest.approx(found.of("text"), abs=1e-6)


def test_fusing_no_branches_gives_no_prediction() -> None:
    nothing = np.full((2, 3), NAN, np.float32)
    assert np.isnan(fuse({"text": nothing, "image": nothing, "head": nothing}, FUSION)).all()


SCORING = Scoring("archive", "7", batch_rows=2, top=2, threads=1)
VECTOR = np.array([0.5, 1.5], "<f2").tobytes()


def listings(**columns: list[Any]) -> pa.RecordBatch:
    n = len(next(iter(columns.values())))
    kinds = {"bucket": pa.int32(), "vector": pa.binary()}
    defaults = {
        "listing_id": [f"L{i}" for i in range(n)],
        "content_hash": [f"h{i}" for i in range(n)],
        "title": ["hat"] * n,
        "description": [None] * n,
        "currency": [None] * n,
        "bucket": [0] * n,
        "vector": [None] * n,
        "image_status": ["missing"] * n,
    }
    return pa.RecordBatch.from_pydict(
        {name: pa.array(v, kinds.get(name, pa.string())) for name, v in (defaults | columns).items()}
    )


def scored(predictor: Predictor, *batches: pa.RecordBatch) -> list[dict[str, Any]]:
    return [row for batch in score_batches(batches, predictor, SCORING) for row in batch.to_pylist()]


def test_rows_come_back_once_in_order_whatever_the_batches(predictor: Predictor) -> None:
    rows = scored(predictor, listings(title=["hat"] * 3), listings(title=[]), listings(listing_id=["M0", "M1"]))
    assert [row["listing_id"] for row in rows] == ["L0", "L1", "L2", "M0", "M1"]
    assert [row["content_hash"] for row in rows] == ["h0", "h1", "h2", "h0", "h1"]


def test_a_prediction_row(predictor: Predictor) -> None:
    (row,) = scored(predictor, listings(title=["hat"], bucket=[7], vector=[VECTOR], image_status=["ok"]))
    assert list(row) == [c.name for c in COLUMNS]
    assert (row["listing_id"], row["model_version"], row["fold"], row["image_status"]) == ("L0", "7", 1, "ok")
    assert (row["text_category"], row["image_category"]) == ("hats", "tops")
    assert row["text_confidence"] == pytest.approx(0.5)
    assert [entry["category"] for entry in row["top_categories"]] == ["tops", "hats"]
    assert row["top_categories"][0] == {"category": row["predicted_category"], "probability": row["confidence"]}
    assert [round(entry["probability"], 4) for entry in row["text_top"]] == [0.5, 0.25]


def test_a_listing_without_text_and_picture_has_a_status_and_no_prediction(predictor: Predictor) -> None:
    rows = scored(predictor, listings(title=[None, "hat"], image_status=["corrupt", "missing"]))
    for name in ("predicted_category", "confidence", "top_categories", "text_top", "image_top", "image_category"):
        assert rows[0][name] is None, name
    assert [row["image_status"] for row in rows] == ["corrupt", "missing"]
    assert rows[1]["predicted_category"] == "hats"


def test_vectors_are_read_as_they_are_stored() -> None:
    stored = [np.array(values, "<f2").tobytes() for values in ([1.0, 2.0], [3.0, 4.0])]
    read = read_vectors(pa.array([None, stored[0], None, stored[1]], pa.binary()))
    assert read.present.tolist() == [False, True, False, True]
    assert read.values.tolist() == [[0, 0], [1, 2], [0, 0], [3, 4]]
    assert read_vectors(pa.array([None, None], pa.binary())).values.shape == (2, 0)


def test_a_failure_of_the_network_is_not_hidden(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no memory for the network")

    monkeypatch.setattr(predictor, "run", fail)
    with pytest.raises(MemoryError):
        scored(predictor, listings(title=["hat"]))


def test_as_a_pyfunc_model(predictor: Predictor) -> None:
    frame = pd.DataFrame(
        {"title": ["hat", None], "description": [None, None], "image": [picture(9), None], "bucket": [1, 1]}
    )
    said = PyfuncModel(predictor).predict(frame)
    assert said["predicted_category"].tolist() == ["tops", None]
    assert said["image_status"].tolist() == ["ok", "missing"]
    assert [entry["category"] for entry in said["top_categories"][0]] == ["tops", "hats", "shoes"]


@pytest.mark.parametrize("share", [None, ShareEstimate(0.2, 0.0, "sellers, at least", at_least=True)])
def test_a_bundle_is_read_as_written(tmp_path: Path, encoder: Path, share: ShareEstimate | None) -> None:
    noise = NoiseModel(
        SPEC.categories, np.full((3, 3), 1 / 3), 0.2, 0.9, {"ann": 0.1, "bob": 0.5}, 1.5, np.full(3, 1 / 3), 0.03, share
    )
    noise = dataclasses.replace(noise, key_check="3f")
    (tmp_path / "members" / "text").mkdir(parents=True)
    (tmp_path / "members" / "text" / "weights").write_text("w")
    write_bundle(str(tmp_path / "bundle"), str(tmp_path / "members"), SPEC, noise, picture_encoder=str(encoder))
    assert read_encoder_spec(tmp_path / "bundle" / "picture_encoder").width == 3
    assert load_spec(str(tmp_path / "bundle")) == SPEC
    read = load_noise(str(tmp_path / "bundle"))
    assert (read.categories, read.error_rate) == (SPEC.categories, 0.2)
    assert (read.rate_factor, read.mismatch_weight, read.mismatch_rate) == (0.9, 1.5, 0.03)
    assert (read.sellers, read.key_check) == ({"ann": 0.1, "bob": 0.5}, "3f")
    assert read.share == share
    assert (read.transitions == noise.transitions).all()
    assert (tmp_path / "bundle" / "text" / "weights").read_text() == "w"


def test_a_folder_that_is_no_bundle_and_one_of_another_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a bundle"):
        load_spec(str(tmp_path))
    (tmp_path / "bundle.json").write_text('{"format": 99}')
    with pytest.raises(BundleFormatError, match="format 99"):
        load_spec(str(tmp_path))
