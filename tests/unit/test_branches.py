"""The branches learn and predict out of sample, and their SavedModels predict the same as the networks."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from conf.load import load_settings
from schemas.arrays import Bools
from schemas.branches import HEAD, IMAGE, TEXT
from schemas.tensors import TextBatch
from training.dataset import Shard
from training.folds import fold_bits
from training.plan import Plan, make_plan
from training.ranks import Ranks
from udfs.text import featurize
from udfs.tf_runtime import import_tensorflow

HASH = 1 << 14
FEATURES: dict[str, Any] = {"hash_size": HASH, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100}
FOLDER = tempfile.TemporaryDirectory()
COLOURS = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def ranks() -> Ranks:
    import_tensorflow(1)
    return Ranks.init()


@pytest.fixture(scope="module")
def plan() -> Plan:
    overrides = ["text_members=4", "image_epochs=1", "patience=9"]
    return make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 400, 400)


def make_shard(rows: int = 400, noise: float = 0.2) -> Shard:
    """Titles that name the category's colour and are otherwise of random words; vectors that show the colour."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, rows)
    labels = np.where(random.random(rows) < noise, random.integers(0, 3, rows), truth)
    fill = random.integers(0, 30, (rows, 3))
    titles = [f"{COLOURS[t]} " + " ".join(f"w{word}" for word in words) for t, words in zip(truth, fill, strict=True)]
    batch = featurize(titles, [None] * rows, **FEATURES)
    vectors = random.random((rows, 8)).astype(np.float16)
    vectors[np.arange(rows), truth] += 2
    return Shard(
        keys=np.arange(rows),
        labels=labels,
        truths=np.full(rows, -1),
        audited=np.full(rows, -1),
        sellers=np.zeros(rows, np.int64),
        buckets=(buckets := random.integers(0, 2520, rows)),
        left_out=fold_bits(buckets),
        splits=batch.splits,
        ids=batch.ids,
        weights=batch.weights,
        present=np.ones(rows, np.bool_),
        slots=np.arange(rows),
        vectors=vectors,
    )


def silent(what: str, epoch: int, epochs: int, loss: float) -> None:
    del what, epoch, epochs, loss


def trainer(shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401 - TensorFlow loads late
    from training.text_branch import make_text_trainer  # noqa: PLC0415 - TensorFlow's threads are set first

    return make_text_trainer(shard, plan, 3, HASH, ranks, silent, Path(FOLDER.name))


def train_texts(shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401 - TensorFlow loads late
    return trainer(shard, plan, ranks).first_pass()[0]


def train_pictures(text: Any, shard: Shard, plan: Plan, ranks: Ranks) -> Any:  # noqa: ANN401
    from training import picture_branch  # noqa: PLC0415 - TensorFlow's threads are set first
    from training.text_branch import one_hot  # noqa: PLC0415 - TensorFlow's threads are set first

    return picture_branch.train_pictures(text, trainer(shard, plan, ranks), one_hot(shard.hard_targets, 3))


def test_the_text_members_equal_logistic_regression(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    text = train_texts(shard, plan, ranks)
    dense = np.zeros((len(shard), text.encoder.features))
    rows = np.repeat(np.arange(len(shard)), np.diff(text.encoded.splits))
    dense[rows, text.encoded.ids] = text.encoded.weights
    folds = shard.buckets % 4
    expected = np.zeros((len(shard), 3))
    for fold in range(4):
        peer = LogisticRegression(C=2.0).fit(dense[folds != fold], shard.labels[folds != fold])
        expected[folds == fold] = peer.predict_proba(dense[folds == fold])
    ours = np.exp(text.predict(np.arange(len(shard))))
    rows = np.arange(len(shard))
    losses = [-np.log(p[rows, shard.labels]).mean() for p in (ours, expected)]
    assert losses[0] < losses[1] + 0.01
    assert (ours.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.97


def duplicates_in_fold(shard: Shard, fold: int) -> tuple[Bools, Bools, Shard]:
    """Of 4 folds: the rows of one, some of the others, and the shard in which these are duplicates of the first."""
    own = shard.buckets % 4 == fold
    copies = ~own & (np.arange(len(shard)) % 5 == 0)
    left_out = shard.left_out | np.where(copies, fold_bits(np.full(len(shard), fold)), 0)
    return own, copies, dataclasses.replace(shard, left_out=left_out)


def test_a_text_member_learns_nothing_from_its_own_fold_and_its_duplicates(ranks: Ranks, plan: Plan) -> None:
    from training.text_branch import one_hot  # noqa: PLC0415 - TensorFlow's threads are set first

    own, copies, shard = duplicates_in_fold(make_shard(), 2)
    labels = np.where(own | copies, (shard.labels + 1) % 3, shard.labels)
    flipped = dataclasses.replace(shard, labels=labels)
    before, after = (
        trainer(s, plan, ranks).train(one_hot(s.hard_targets, 3), 2.0, "texts").predict(np.arange(400))
        for s in (shard, flipped)
    )
    assert (before[own] == after[own]).all()
    assert (before[~own] != after[~own]).any()


def test_a_wrong_label_that_duplicates_share_is_not_learnt_from_them(ranks: Ranks, plan: Plan) -> None:
    """Fifteen wrong listings, each with three copies of another name that have the same wrong label."""
    from training.text_branch import one_hot  # noqa: PLC0415 - TensorFlow's threads are set first

    shard, copied = make_shard(noise=0.0), np.repeat(np.arange(15), 4)
    texts, rows = shard.texts(copied), np.arange(60)
    labels, buckets = np.concatenate([(shard.labels[copied] + 1) % 3, shard.labels[60:]]), shard.buckets.copy()
    others = shard.texts(np.arange(60, 400))
    buckets[:60] = rows % 4
    alike = dataclasses.replace(
        shard,
        labels=labels,
        buckets=buckets,
        ids=np.concatenate([texts.ids, others.ids]),
        weights=np.concatenate([texts.weights, others.weights]),
        splits=np.concatenate([texts.splits, texts.splits[-1] + others.splits[1:]]),
        left_out=fold_bits(buckets),
    )
    everywhere = alike.left_out | np.where(np.arange(400) < 60, np.bitwise_or.reduce(fold_bits(np.arange(4))), 0)
    known = dataclasses.replace(alike, left_out=everywhere)
    right = []
    for each in (alike, known):
        found = trainer(each, plan, ranks).train(one_hot(each.hard_targets, 3), 2.0, "texts").predict(rows)
        right.append((found.argmax(axis=1) == shard.labels[copied]).mean())
    assert right[0] < 0.8
    assert right[1] > 0.95


def test_the_first_members_choose_c_and_all_start_from_members_of_their_own_fold(
    ranks: Ranks, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import text_branch  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    every = np.arange(len(shard))
    all_members, c = trainer(shard, plan, ranks).first_pass()
    monkeypatch.setattr(text_branch, "_CHOOSING", 150)  # of 400 listings in 4 folds: two members choose
    reports: list[tuple[int, int]] = []
    few = dataclasses.replace(
        trainer(shard, plan, ranks), report=lambda _stage, step, steps, _loss: reports.append((step, steps))
    )
    branch, chosen = few.first_pass()
    assert chosen == c
    assert reports == [(1, 2), (2, 2)] * (len(reports) // 2 - 1) + [(3, 4), (4, 4)]
    assert np.exp(branch.predict(every)) == pytest.approx(np.exp(all_members.predict(every)), abs=0.03)
    # From the members of a first pass over other labels, to the same minimum; no member sees its own fold.
    own = shard.buckets % plan.text_members == 1
    flipped = dataclasses.replace(shard, labels=np.where(own, (shard.labels + 1) % 3, shard.labels))
    targets = text_branch.one_hot(np.where(own, shard.labels, 0), 3)
    starts = [trainer(each, plan, ranks).first_pass()[0] for each in (shard, flipped)]
    found = [few.train(targets, chosen, "texts", start=start).predict(every) for start in starts]
    assert (found[0][own] == found[1][own]).all()
    assert np.exp(found[0]) == pytest.approx(np.exp(few.train(targets, chosen, "texts").predict(every)), abs=0.03)


def test_members_of_quarters_equal_logistic_regression_on_a_quarter(ranks: Ranks, plan: Plan) -> None:
    from training.learning_curve import train_on_quarters  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    trained = trainer(shard, plan, ranks)
    text, c = trained.first_pass()
    fewer = train_on_quarters(trained, text, c, np.arange(400), np.zeros((3, 3), np.bool_))
    assert fewer.ratio == pytest.approx(3.0)
    dense = np.zeros((len(shard), text.encoder.features))
    dense[np.repeat(np.arange(len(shard)), np.diff(text.encoded.splits)), text.encoded.ids] = text.encoded.weights
    quarters, expected = shard.buckets // 4 % 4, np.zeros(400)
    for quarter in range(4):
        own = quarters == quarter
        peer = LogisticRegression(C=c).fit(dense[own], shard.labels[own])
        expected[~own] += (peer.predict(dense[~own]) != shard.labels[~own]) / 3
    assert (np.abs(fewer.disagree - expected) < 0.1).mean() > 0.9
    assert fewer.disagree.mean() > (text.predict(np.arange(len(shard))).argmax(axis=1) != shard.labels).mean()


def test_without_texts_the_predictions_are_the_shares_of_the_categories(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    empty = TextBatch(shard.ids[:0], shard.weights[:0], np.zeros_like(shard.splits))
    without_text = dataclasses.replace(shard, ids=empty.ids, weights=empty.weights, splits=empty.splits)
    text = train_texts(without_text, plan, ranks)
    said = np.exp(text.predict(np.arange(len(shard))))
    shares = np.bincount(shard.labels) / len(shard)
    assert said.mean(axis=0) == pytest.approx(shares, abs=0.15)


def test_picture_members_learn_and_learn_nothing_from_their_own_fold(ranks: Ranks, plan: Plan) -> None:
    in_fold, copies, shard = duplicates_in_fold(make_shard(), 1)
    text, own = train_texts(shard, plan, ranks), np.flatnonzero(in_fold)
    labels = np.where(in_fold | copies, (shard.labels + 1) % 3, shard.labels)
    flipped = dataclasses.replace(shard, labels=labels)
    # The best epoch is chosen by labels; with one epoch there is no choice.
    before, after = (train_pictures(text, s, plan, ranks).predict(shard, own) for s in (shard, flipped))
    assert list(before) == list(after) == [IMAGE.name, HEAD.name]
    assert all((before[name] == after[name]).all() for name in before)
    found = train_pictures(text, shard, dataclasses.replace(plan, image_epochs=20), ranks).predict(shard, own)
    shown = shard.vectors[own].argmax(axis=1)
    assert all((each.argmax(axis=1) == shown).mean() > 0.95 for each in found.values())


def test_the_head_uses_what_only_the_text_says(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard(noise=0.0)
    dull = dataclasses.replace(shard, vectors=np.random.default_rng(5).random((len(shard), 8)).astype(np.float16))
    longer = dataclasses.replace(plan, image_epochs=20)
    found = train_pictures(train_texts(dull, plan, ranks), dull, longer, ranks).predict(dull, np.arange(len(dull)))
    right = {name: (each.argmax(axis=1) == dull.labels).mean() for name, each in found.items()}
    assert right[IMAGE.name] < 0.5
    assert right[HEAD.name] > 0.8


def test_rows_without_a_picture_do_not_train_the_picture_members(ranks: Ranks, plan: Plan) -> None:
    shard = make_shard()
    with_picture = np.arange(len(shard)) % 3 > 0
    some = dataclasses.replace(
        shard,
        present=with_picture,
        slots=np.where(with_picture, np.cumsum(with_picture) - 1, -1),
        vectors=shard.vectors[with_picture],
    )
    text = train_texts(some, plan, ranks)
    wrong = dataclasses.replace(some, labels=np.where(with_picture, some.labels, (some.labels + 1) % 3))
    rows = np.flatnonzero(with_picture)
    found = [train_pictures(text, each, plan, ranks).predict(some, rows)[IMAGE.name] for each in (some, wrong)]
    assert (found[0] == found[1]).all()


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

    from training.export import save_pictures, save_text  # noqa: PLC0415 - TensorFlow's threads are set first

    shard = make_shard()
    text = train_texts(shard, plan, ranks)
    pictures = train_pictures(text, shard, plan, ranks)
    save_text(text, str(tmp_path / "text"))
    save_pictures(pictures, text, str(tmp_path / "picture"))
    signatures = [tf.saved_model.load(str(tmp_path / name)) for name in ("text", "picture")]
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
    assert all_text == pytest.approx(text.predict(rows), abs=1e-4)
    by_picture = signatures[1].signatures["serving_default"](
        **inputs, vectors=tf.constant(shard.vectors[rows]), fold=fold
    )
    for name, expected in pictures.predict(shard, rows).items():
        assert by_picture[name].numpy() == pytest.approx(expected, abs=1e-4)
    nothing = pictures.predict(shard, rows[:0])
    assert {name: values.shape for name, values in nothing.items()} == {"image": (0, 3), "head": (0, 3)}


def test_a_thousand_categories_get_a_bottleneck(ranks: Ranks) -> None:
    del ranks
    from training.network import TextMembers  # noqa: PLC0415 - TensorFlow's threads are set first

    model = TextMembers(features=20_000, members=6, categories=1000)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) < 70_000_000
    logits = model(np.array([[0, 5], [1, 7]]), np.ones(2, np.float32), 2)
    assert logits.shape == (2, 6, 1000)
