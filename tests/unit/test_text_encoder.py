"""A pretrained text encoder: its vectors extend the hashed features and train the network; invalid ones are refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from conf.load import load_settings
from schemas.errors import UsageError
from tests.encoders import save_encoder
from training.dataset import Shard
from training.folds import fold_bits
from training.plan import make_plan
from training.ranks import Ranks
from training.sample import NO_SELLER
from udfs.text import featurize
from udfs.text_encoder import check_encoder, load_encoder
from udfs.tf_runtime import import_tensorflow

HASH = 1 << 12
TEXT = {"hash_size": HASH, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 20}


@pytest.fixture(scope="module")
def ranks() -> Ranks:
    import_tensorflow(1)
    return Ranks.init()


def test_vectors_are_appended_to_the_hashed_features() -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return np.array([[0.5, -2.0, 0.0]] * 3, np.float32)

    titles, descriptions = ["Red Shoe", None, " "], [None, "a long description that is cut off", ""]
    plain, batch = (featurize(titles, descriptions, encode=e, **TEXT) for e in (None, encode))  # type: ignore[arg-type]
    assert seen == ["Red Shoe", "a long descriptio", ""]
    vectors = batch.ids >= HASH
    assert batch.ids[vectors].tolist() == [HASH, HASH + 1, HASH, HASH + 1]
    assert batch.weights[vectors].tolist() == [0.5, -2.0, 0.5, -2.0]
    assert batch.ids[~vectors].tolist() == plain.ids.tolist()
    assert (np.diff(batch.splits) - np.diff(plain.splits)).tolist() == [2, 2, 0]


def test_a_vector_has_the_length_of_a_block(ranks: Ranks) -> None:
    del ranks
    from training.network import TextEncoder  # noqa: PLC0415 - TensorFlow's threads are set first

    vocabulary = np.array([3, HASH - 1, HASH, HASH + 1])
    encoder = TextEncoder(vocabulary, np.array([2.0, 1.0, 9.0, 9.0], np.float32), words=1, hashed=2)
    ids, weights = np.array([3, HASH, HASH + 1]), np.array([4.0, 0.3, -0.4], np.float32)
    indices, values = encoder(ids, weights, np.array([0, 3]))
    assert indices.numpy().tolist() == [[0, 0], [0, 2], [0, 3]]
    assert values.numpy() == pytest.approx([1.0, 0.6, -0.8])


def test_the_text_branch_learns_from_encoder_vectors(ranks: Ranks, tmp_path: Path) -> None:
    from training.text_branch import make_text_trainer  # noqa: PLC0415 - TensorFlow's threads are set first

    random = np.random.default_rng(1)
    labels = random.integers(0, 3, 300)
    # No word occurs twice; only the number of characters depends on the category.
    titles = [f"{random.integers(10**8):x}{'z' * int(label)}"[-(6 + int(label)) :] for label in labels]
    accuracy = []
    for encode in (None, load_encoder(save_encoder(tmp_path / "lengths"), 1)):
        batch = featurize(titles, [None] * 300, encode=encode, **TEXT)  # type: ignore[arg-type]
        shard = Shard(
            keys=np.arange(300),
            labels=labels,
            truths=np.full(300, -1),
            audited=np.full(300, -1),
            sellers=np.full(300, NO_SELLER),
            buckets=(buckets := random.integers(0, 2520, 300)),
            left_out=fold_bits(buckets),
            splits=batch.splits,
            ids=batch.ids,
            weights=batch.weights,
            present=np.zeros(300, np.bool_),
            slots=np.full(300, -1),
            vectors=np.zeros((0, 0), np.float16),
        )
        plan = make_plan(load_settings("local", ["train.text_members=2"]), 300, 0)
        branch, _ = make_text_trainer(shard, plan, 3, HASH, ranks, lambda *_: None, tmp_path / "cache").first_pass()
        accuracy.append(float((branch.predict(np.arange(300)).argmax(axis=1) == labels).mean()))
    assert accuracy[0] < 0.9 < accuracy[1]
    assert accuracy[1] > 0.97


def test_an_encoder_that_breaks_the_interface_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"text\.encoder=.*nothing contains no saved_model\.pb"):
        check_encoder(str(tmp_path / "nothing"))
    good = save_encoder(tmp_path / "good")
    check_encoder(good)
    assert load_encoder(good, 1)(["", "ab"]).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    flat = save_encoder(tmp_path / "flat", flat=True)
    with pytest.raises(UsageError, match="numbers of shape"):
        load_encoder(flat, 1)(["a"])
