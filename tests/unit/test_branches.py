"""The branches learn and predict out of sample, and their SavedModels predict the same as the networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from conf.load import load_settings
from schemas.branches import HEAD, IMAGE, TEXT
from schemas.errors import UsageError
from schemas.tensors import TextBatch
from training.dataset import Shard
from training.plan import Plan, make_plan
from training.ranks import Ranks
from udfs.text import featurize
from udfs.tf_runtime import import_tensorflow

HASH = 1 << 14
FEATURES: dict[str, Any] = {"hash_size": HASH, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100}
COLOURS = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def ranks() -> Ranks:
    import_tensorflow(1)
    return Ranks.init()


@pytest.fixture(scope="module")
def plan() -> Plan:
    overrides = ["text_members=4", "image_members=2", "text_epochs=6", "image_epochs=1", "patience=9"]
    return make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 400, 400)


def make_shard(rows: int = 400, noise: float = 0.2) -> Shard:
    """Titles that name the category's colour and are otherwise of random words; pictures in the colour."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, rows)
    labels = np.where(random.random(rows) < noise, random.integers(0, 3, rows), truth)
    fill = random.integers(0, 30, (rows, 3))
    titles = [f"{COLOURS[t]} " + " ".join(f"w{word}" for word in words) for t, words in zip(truth, fill, strict=True)]
    batch = featurize(titles, [None] * rows, **FEATURES)
    pixels = random.integers(0, 60, (rows, 16, 12, 3), np.uint8)
    pixels[np.arange(rows), :, :, truth] += 150
    return Shard(
        keys=np.arange(rows),
        labels=labels,
        truths=np.full(rows, -1),
        audited=np.full(rows, -1),
        sellers=np.zeros(rows, np.int64),
        buckets=random.integers(0, 2520, rows),
        splits=batch.splits,
        ids=batch.ids,
        weights=batch.weights,
        present=np.ones(rows, np.bool_),
        slots=np.arange(rows),
        pixels=pixels,
    )


def silent(what: str, epoch: int, epochs: int, loss: float) -> None:
    del what, epoch, epochs, loss


def trainer(shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401 - TensorFlow loads late
    from training.text_branch import make_text_trainer  # noqa: PLC0415 - TensorFlow's threads are set first

    return make_text_trainer(shard, plan, 3, HASH, ranks, silent)


def train_texts(shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401 - TensorFlow loads late
    return trainer(shard, plan, ranks).first_pass()[0]


def train_pictures(member: int, text: Any, shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401
    from training.fused_branch import train_fused  # noqa: PLC0415 - TensorFlow's threads are set first
    from training.text_branch import one_hot  # noqa: PLC0415 - TensorFlow's threads are set first

    return train_fused(member, text, trainer(shard, plan, ranks), one_hot(shard.hard_targets, 3))


def predicted(text: Any, shard: Shard, plan: Plan) -> NDArray[np.float32]:  # noqa: ANN401 - TensorFlow loads late
    from training.text_branch import predict_texts  # noqa: PLC0415 - TensorFlow's threads are set first

    return predict_texts(text.model, text.encoded, shard.buckets % plan.text_members)


def test_the_encoder_computes_tf_idf_for_words_and_characters_separately(ranks: Ranks) -> None:
    del ranks
    from training.network import TextEncoder  # noqa: PLC0415 - TensorFlow's threads are set first

    titles = ["red red shoe", "blue shoe", "red hat", "green hat hat hat"]
    batch = featurize(titles, [None] * 4, **FEATURES)
    counts = np.bincount(batch.ids, minlength=HASH)
    vocabulary = np.flatnonzero(counts)
    idf = np.log(5 / (1 + counts[vocabulary])) + 1
    words = int((vocabulary < HASH // 2).sum())
    indices, values = TextEncoder(vocabulary, idf.astype(np.float32), words, len(vocabulary))(
        batch.ids, batch.weights, batch.splits
    )
    found = np.zeros((4, len(vocabulary)))
    found[tuple(indices.numpy().T)] = values.numpy()
    for block, options in ((found[:, :words], {}), (found[:, words:], {"analyzer": "char_wb", "ngram_range": (3, 3)})):
        expected = TfidfVectorizer(sublinear_tf=True, **options).fit_transform(titles)
        assert block @ block.T == pytest.approx((expected @ expected.T).toarray(), abs=1e-5)


def test_the_text_members_equal_logistic_regression(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    longer = dataclasses.replace(plan, text_epochs=60, patience=60)
    text = train_texts(shard, longer, ranks)
    dense = np.zeros((len(shard), text.encoder.features))
    rows = np.repeat(np.arange(len(shard)), np.diff(text.encoded.splits))
    dense[rows, text.encoded.ids] = text.encoded.weights
    folds = shard.buckets % 4
    expected = np.zeros((len(shard), 3))
    for fold in range(4):
        peer = LogisticRegression(C=2.0).fit(dense[folds != fold], shard.labels[folds != fold])
        expected[folds == fold] = peer.predict_proba(dense[folds == fold])
    ours = np.exp(predicted(text, shard, plan))
    rows = np.arange(len(shard))
    losses = [-np.log(p[rows, shard.labels]).mean() for p in (ours, expected)]
    assert losses[0] < losses[1] + 0.01
    assert (ours.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.97


def test_a_text_member_learns_nothing_from_its_own_fold(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    own = shard.buckets % plan.text_members == 2
    flipped = dataclasses.replace(shard, labels=np.where(own, (shard.labels + 1) % 3, shard.labels))
    # The best epoch is chosen by labels; with one epoch there is no choice.
    once = dataclasses.replace(plan, text_epochs=1)
    before, after = (predicted(train_texts(s, once, ranks), shard, plan) for s in (shard, flipped))
    assert (before[own] == after[own]).all()
    assert (before[~own] != after[~own]).any()


def test_members_of_quarters_equal_logistic_regression_on_a_quarter(ranks: Ranks, plan: Plan) -> None:
    from training.learning_curve import train_on_quarters  # noqa: PLC0415 - TensorFlow's threads are set first

    shard, longer = make_shard(), dataclasses.replace(plan, text_epochs=60, patience=60)
    trained = trainer(shard, longer, ranks)
    text, c = trained.first_pass()
    fewer = train_on_quarters(trained, dataclasses.replace(text, curve=list(range(60, 0, -1))), c, np.arange(400))
    assert fewer.ratio == pytest.approx(3.0)
    dense = np.zeros((len(shard), text.encoder.features))
    dense[np.repeat(np.arange(len(shard)), np.diff(text.encoded.splits)), text.encoded.ids] = text.encoded.weights
    quarters, expected = shard.buckets // 4 % 4, np.zeros(400)
    for quarter in range(4):
        own = quarters == quarter
        peer = LogisticRegression(C=c).fit(dense[own], shard.labels[own])
        expected[~own] += (peer.predict(dense[~own]) != shard.labels[~own]) / 3
    assert (np.abs(fewer.disagree - expected) < 0.1).mean() > 0.9
    assert fewer.disagree.mean() > (predicted(text, shard, plan).argmax(axis=1) != shard.labels).mean()


def test_without_texts_the_predictions_are_the_shares_of_the_categories(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    empty = TextBatch(shard.ids[:0], shard.weights[:0], np.zeros_like(shard.splits))
    without_text = dataclasses.replace(shard, ids=empty.ids, weights=empty.weights, splits=empty.splits)
    text = train_texts(without_text, plan, ranks)
    said = np.exp(predicted(text, without_text, plan))
    shares = np.bincount(shard.labels) / len(shard)
    assert said.mean(axis=0) == pytest.approx(shares, abs=0.15)


def test_a_fused_member_learns_and_learns_nothing_from_its_own_fold(ranks: Ranks, plan: Plan) -> None:
    from training.fused_branch import predict_pictures  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    text = train_texts(shard, plan, ranks)
    own = np.flatnonzero(shard.buckets % plan.image_members == 1)
    flipped = dataclasses.replace(shard, labels=shard.labels.copy())
    flipped.labels[own] = (shard.labels[own] + 1) % 3
    said = [
        predict_pictures(train_pictures(1, text, s, plan, ranks).forward, shard, text, own) for s in (shard, flipped)
    ]
    assert list(said[0]) == list(said[1]) == [IMAGE.name, HEAD.name]
    assert all((said[0][name] == said[1][name]).all() for name in said[0])
    longer = dataclasses.replace(plan, image_epochs=8)
    found = predict_pictures(train_pictures(1, text, shard, longer, ranks).forward, shard, text, own)
    shown = shard.pixels.mean(axis=(1, 2)).argmax(axis=1)[own]
    assert all((each.argmax(axis=1) == shown).mean() > 0.9 for each in found.values())


def test_a_network_trained_in_16_bits_predicts_in_32(ranks: Ranks, plan: Plan) -> None:
    from training.fused_branch import predict_pictures  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    text = train_texts(shard, plan, ranks)
    mixed = dataclasses.replace(plan, image_epochs=8, mixed_precision=True)
    fused = train_pictures(1, text, shard, mixed, ranks)
    assert fused.model.policy == "float32"
    assert {layer.compute_dtype for layer in fused.model.backbone.layers} == {"float32"}
    own = np.flatnonzero(shard.buckets % plan.image_members == 1)
    image = predict_pictures(fused.forward, shard, text, own)[IMAGE.name]
    assert (image.argmax(axis=1) == shard.pixels.mean(axis=(1, 2)).argmax(axis=1)[own]).mean() > 0.9
    assert np.exp(image).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_listing_is_novel_by_words_that_no_other_has(ranks: Ranks, plan: Plan) -> None:
    """In the vocabulary are words of two listings: what one alone shares with one other was not in it without it."""
    from training.worker import find_novelty_threshold  # noqa: PLC0415 - TensorFlow's threads are set first

    def found(titles: list[str]) -> float:
        batch = featurize(titles, [None] * 400, **FEATURES)
        texts = dataclasses.replace(make_shard(), ids=batch.ids, weights=batch.weights, splits=batch.splits)
        return find_novelty_threshold(trainer(texts, plan, ranks), np.arange(400), HASH)

    assert plan.min_listings == 2
    assert found(["red hat", "blue hat", "blue coat", "red coat"] * 100) == 0.0
    # Half of the words occur in one pair of listings only.
    assert found([f"hat n{i // 2}" for i in range(400)]) == 0.5
    assert found([f"n{i}" for i in range(400)]) == 1.0


def test_saved_members_predict_the_same_as_the_networks(ranks: Ranks, plan: Plan, tmp_path: Path) -> None:
    import tensorflow as tf  # noqa: PLC0415 - its threads are set first

    from training.export import save_fused, save_text  # noqa: PLC0415 - TensorFlow's threads are set first
    from training.fused_branch import predict_pictures  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    text = train_texts(shard, plan, ranks)
    fused = train_pictures(0, text, shard, plan, ranks)
    save_text(text, str(tmp_path / "text"))
    save_fused(fused, text, str(tmp_path / "fused"))
    signatures = [tf.saved_model.load(str(tmp_path / name)) for name in ("text", "fused")]
    batch = featurize(["red w1", None, "thing"], [None] * 3, **FEATURES)
    said = signatures[0].signatures["serving_default"](
        ids=tf.constant(batch.ids),
        weights=tf.constant(batch.weights),
        splits=tf.constant(batch.splits),
        fold=tf.constant([0, 1, 2], tf.int64),
    )
    assert said["known"].numpy()[1] == 0
    assert said["known"].numpy()[0] >= 2
    assert said["known_words"].numpy()[:2].tolist() == [2, 0]
    rows = np.arange(40)
    texts = shard.texts(rows)
    inputs = {"ids": tf.constant(texts.ids), "weights": tf.constant(texts.weights), "splits": tf.constant(texts.splits)}
    fold = tf.constant(shard.buckets[rows] % plan.text_members)
    all_text = signatures[0].signatures["serving_default"](**inputs, fold=fold)[TEXT.name].numpy()
    assert all_text == pytest.approx(predicted(text, shard, plan)[rows], abs=1e-4)
    by_fused = signatures[1].signatures["serving_default"](**inputs, pixels=tf.constant(shard.pixels[rows]))
    for name, expected in predict_pictures(fused.forward, shard, text, rows).items():
        assert by_fused[name].numpy() == pytest.approx(expected, abs=1e-4)
    nothing = predict_pictures(fused.forward, shard, text, rows[:0])
    assert {name: values.shape for name, values in nothing.items()} == {"image": (0, 3), "head": (0, 3)}


def test_a_thousand_categories_get_a_bottleneck(ranks: Ranks) -> None:
    del ranks
    from training.network import TextMembers  # noqa: PLC0415 - TensorFlow's threads are set first

    model = TextMembers(features=20_000, members=6, categories=1000)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) < 70_000_000
    logits = model(np.array([[0, 5], [1, 7]]), np.ones(2, np.float32), 2)
    assert logits.shape == (2, 6, 1000)


def test_a_keras_backbone_loads_weights_from_a_local_file(ranks: Ranks, tmp_path: Path) -> None:
    del ranks
    import tensorflow as tf  # noqa: PLC0415 - its threads are set first

    from training.backbones import make_backbone  # noqa: PLC0415 - TensorFlow's threads are set first
    from training.network import FusedMember  # noqa: PLC0415 - TensorFlow's threads are set first

    given = tf.keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg"
    )
    file = tmp_path / "weights.h5"
    given.save_weights(file)
    member = FusedMember(5, 3, 32, 32, backbone="mobilenetv3-small", weights=str(file))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    images = pixels.astype(np.float32) / 127.5 - 1.0
    assert member.backbone(images).numpy() == pytest.approx(given(pixels.astype(np.float32)).numpy(), abs=1e-4)
    logits = member(pixels, np.array([[0, 1], [1, 4]]), np.ones(2, np.float32), training=False)
    assert {name: each.shape for name, each in logits.items()} == {"image": (2, 3), "head": (2, 3)}
    with pytest.raises(UsageError, match=r"train\.image_weights=nowhere\.h5"):
        make_backbone("mobilenetv3-small", "nowhere.h5", 32, 32)
    with pytest.raises(UsageError, match="32 x 32 or more"):
        make_backbone("mobilenetv3-small", None, 16, 16)
