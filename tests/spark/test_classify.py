"""Scoring on Spark gives the predictor's results for any partitioning; the networks are untrained."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.sparse import csr_matrix

from schemas.bundle import BundleSpec, NoiseModel
from schemas.tensors import TextBatch
from tests.encoders import save_picture_encoder
from training.bundle import write_bundle
from udfs.classify import COLUMNS, READ, classify
from udfs.encoders.folder import write_encoder
from udfs.predictor import Predictor, load_predictor
from udfs.shipping import ship_folder
from udfs.text import featurize
from udfs.tf_runtime import import_tensorflow

TEXT: dict[str, Any] = {"hash_size": 1 << 12, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100}
CATEGORIES = ("hats", "shoes", "tops")
Features = list[tuple[bytes | None, str]]
TITLES = ["red hat", "blue shoe", None, "green top"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    tf = import_tensorflow(1)
    from training.export import save_pictures, save_text  # noqa: PLC0415 - TensorFlow's threads are set first
    from training.linear import LinearMember  # noqa: PLC0415 - as above
    from training.network import PictureMembers, TextEncoder  # noqa: PLC0415 - as above
    from training.picture_branch import PictureBranch  # noqa: PLC0415 - as above
    from training.text_branch import TextBranch  # noqa: PLC0415 - as above

    tf.keras.utils.set_random_seed(1)
    folder = tmp_path_factory.mktemp("bundle")
    vocabulary = np.unique(featurize(TITLES, [None] * 4, **TEXT).ids)
    encoder = TextEncoder(
        vocabulary, np.ones(len(vocabulary), np.float32), int((vocabulary < 1 << 11).sum()), len(vocabulary)
    )
    kernels = tf.random.normal([4, len(vocabulary), 3]).numpy()
    members = tuple(LinearMember(kernel, None, np.zeros(3, np.float32)) for kernel in kernels)
    nothing = TextBatch(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(1, np.int64))
    none_yet, no_folds = csr_matrix((0, len(vocabulary)), dtype=np.float32), np.zeros(0, np.int64)
    text = TextBranch(encoder, nothing, none_yet, no_folds, members, 0.0)
    save_text(text, str(folder / "members" / "text"))
    projection = np.random.default_rng(1).standard_normal((len(vocabulary), 5)).astype(np.float32)
    pictures = PictureMembers(np.full(3, 127, np.float32), np.full(3, 60, np.float32), projection, 4, 3)
    none = projection[:0]
    save_pictures(PictureBranch(pictures, None, none, []), text, str(folder / "members" / "picture"))
    write_encoder(folder / "encoder", save_picture_encoder(folder / "tiny.keras", 32), 32)
    both = {"text": 1.0, "image": 0.5, "head": 0.25}
    fusion = {"text+image": both, "text": {"text": 1.0}, "image": {"image": 1.0}}
    picture = {"max_pixels": 10_000, "blank_deviation": 1.0}
    spec = BundleSpec(CATEGORIES, 4, True, "tiny", TEXT, picture, fusion, (0.3, 0.3, 0.4))
    noise = NoiseModel(CATEGORIES, np.full((3, 3), 1 / 3), 0.2, 1.0, {}, 1.0, np.full(3, 1 / 3), 0.0)
    write_bundle(str(folder / "bundle"), str(folder / "members"), spec, noise, picture_encoder=str(folder / "encoder"))
    return str(folder / "bundle")


@pytest.fixture(scope="module")
def predictor(bundle: str) -> Predictor:
    return load_predictor(bundle, 1)


def picture(number: int) -> bytes:
    image = Image.fromarray(np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


IMAGES: list[bytes | None] = [picture(1), None, b"junk", picture(2), picture(3)]


@pytest.fixture(scope="module")
def features(predictor: Predictor) -> Features:
    """Vector and status of each of `IMAGES`."""
    vectors, status = predictor.encode(IMAGES)
    stored = [v.astype("<f2").tobytes() if p else None for v, p in zip(vectors.values, vectors.present, strict=True)]
    return list(zip(stored, status, strict=True))


def listings(spark: SparkSession, features: Features, rows: int) -> DataFrame:
    data = [
        (f"L{i:03}", f"h{i}", TITLES[i % 4], None, None, (i * 37) % 2520, *features[i % 5], "label")
        for i in range(rows)
    ]
    return spark.createDataFrame(
        data,
        "listing_id STRING, content_hash STRING, title STRING, description STRING, currency STRING, bucket INT, "
        "vector BINARY, image_status STRING, category STRING",
    )


def score(frame: DataFrame, bundle: str, version: str = "3", batch_rows: int = 16) -> dict[str, Any]:
    options: dict[str, Any] = {"rows": 60, "batch_rows": batch_rows, "top": 2}
    return {row.listing_id: row for row in classify(frame, bundle, version, **options).collect()}


def test_spark_and_the_predictor_give_the_same_predictions(
    spark: SparkSession, bundle: str, predictor: Predictor, features: Features
) -> None:
    frame = listings(spark, features, 60)
    found = score(frame, bundle)
    rows = frame.orderBy("listing_id").collect()
    assert sorted(found) == [row.listing_id for row in rows]
    images = [IMAGES[int(row.listing_id[1:]) % 5] for row in rows]
    buckets = np.array([row.bucket for row in rows])
    judged, status = predictor.predict([r.title for r in rows], [None] * 60, images, buckets)
    for i, row in enumerate(rows):
        said = found[row.listing_id]
        assert (said.content_hash, said.model_version, said.image_status) == (row.content_hash, "3", status[i])
        assert said.fold == row.bucket % 4
        for ranked, branch in (
            (said.top_categories, judged.fused),
            (said.text_top, judged.branches["text"]),
            (said.image_top, judged.branches["image"]),
        ):
            if np.isnan(branch[i, 0]):
                assert ranked is None
                continue
            order = np.argsort(-branch[i])[:2]
            assert [entry.category for entry in ranked] == [CATEGORIES[c] for c in order]
            assert [entry.probability for entry in ranked] == pytest.approx(np.exp(branch[i, order]), abs=1e-5)
        # Every word is in the vocabulary, which was made of these titles.
        assert said.novelty == (None if row.title is None else 0.0)
        nothing = row.title is None and status[i] != "ok"
        assert (said.predicted_category is None) == nothing


def test_the_columns_are_those_of_predictions_without_the_run(
    spark: SparkSession, bundle: str, features: Features
) -> None:
    options: dict[str, Any] = {"rows": 1, "batch_rows": 16, "top": 2}
    schema = classify(listings(spark, features, 1), bundle, "3", **options).schema
    expected = spark.createDataFrame([], ", ".join(f"{c.name} {c.type}" for c in COLUMNS)).schema
    assert schema == expected
    assert "run_id" not in schema.names


def test_a_prediction_depends_neither_on_the_label_nor_on_its_neighbours(
    spark: SparkSession, bundle: str, features: Features
) -> None:
    assert "category" not in READ
    frame = listings(spark, features, 60)
    together = score(frame, bundle)
    alone = score(
        frame.where("listing_id IN ('L003', 'L007')").withColumn("category", F.lit("tops")), bundle, batch_rows=1
    )
    for name, row in alone.items():
        assert row.predicted_category == together[name].predicted_category
        assert row.confidence == pytest.approx(together[name].confidence, abs=1e-6)


def test_texts_are_read_for_personal_data_and_language(spark: SparkSession, bundle: str, features: Features) -> None:
    texts = {
        "L000": ("Très belle robe d'été pour femme, jamais portée. 06 12 34 56 78", "EUR"),
        "L001": ("Waterproof hiking jacket for men, write to me@example.com", None),
        "L002": ("Blue shoe 06 12 34 56 78", "EUR"),
        "L003": ("Blue shoe 06 12 34 56 78", "USD"),
    }
    replaced = spark.createDataFrame(
        [(key, *row) for key, row in texts.items()], "listing_id STRING, d STRING, c STRING"
    )
    frame = listings(spark, features, 6).join(replaced, "listing_id", "left")
    frame = frame.withColumns({"description": F.col("d"), "currency": F.col("c"), "title": F.lit(None).cast("string")})
    found = {name: (row.language, row.personal_data, row.text_rules) for name, row in score(frame, bundle).items()}
    rules = "version 2"
    assert found == {
        "L000": ("fr", ["phone"], rules),
        "L001": ("en", ["email"], rules),
        "L002": (None, ["phone"], rules),
        "L003": (None, [], rules),
        "L004": (None, [], rules),
        "L005": (None, [], rules),
    }
    options: dict[str, Any] = {"rows": 6, "batch_rows": 16, "top": 2, "phone_regions": ("US", "FR")}
    abroad = {row.listing_id: row for row in classify(frame, bundle, "3", **options).collect()}
    assert (abroad["L003"].personal_data, abroad["L003"].text_rules) == (["phone"], "version 2 FR US")


def test_an_empty_frame_gives_no_rows(spark: SparkSession, bundle: str, features: Features) -> None:
    assert score(listings(spark, features, 60).limit(0), bundle) == {}


def test_a_bundle_is_shipped_once_and_never_confused_with_another(
    spark: SparkSession, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two warehouses in one session both have a model 1; a copy of a bundle in another folder is the same bundle."""
    name = ship_folder(spark, Path(bundle))
    same, other = tmp_path / "same", tmp_path / "other"
    shutil.copytree(bundle, same)
    shutil.copytree(bundle, other)
    (other / "bundle.json").write_bytes((other / "bundle.json").read_bytes() + b" ")
    sent: list[str] = []
    monkeypatch.setattr(spark.sparkContext, "addArchive", sent.append)
    assert ship_folder(spark, same) == name
    assert sent == []
    another = ship_folder(spark, other)
    assert another != name
    assert [path.rpartition("#")[2] for path in sent] == [another]
