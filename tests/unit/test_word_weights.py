"""Leaving out words finds those that move the odds of two categories, and no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.arrays import Floats32, Ints
from schemas.bundle import BundleSpec
from udfs.explain import COLUMNS, FOUND, TEXTS, explain_batch
from udfs.predictor import Predictor
from udfs.text import featurize, join_texts
from udfs.tf_runtime import Array
from udfs.word_weights import AT_MOST, Question, Word, distinct_words, without_word, word_weights

CATEGORIES = ("sandals", "sneakers", "tents")
SPEC = BundleSpec(
    categories=CATEGORIES,
    text_members=2,
    pictures=False,
    encoder="tests",
    text={"hash_size": 1 << 16, "word_ngrams": 1, "char_ngrams": [8, 8], "max_chars": 200},
    picture={},
    fusion={"text+image": {"text": 1.0}, "text": {"text": 1.0}, "image": {}},
    prior=(0.3, 0.3, 0.4),
)
MEANS = {"strap": (3.0, 0.0, 0.0), "running": (0.0, 2.0, 0.0), "sole": (0.5, 1.5, 0.0), "the": (0.04, 0.0, 0.0)}
"""Word -> what it adds to the logits of sandals, sneakers and tents."""


_TYPES = {
    "in_taxonomy": pa.bool_(),
    "bucket": pa.int32(),
    "seller_listings": pa.int64(),
    **dict.fromkeys(
        (
            "text_suggested",
            "text_seller",
            "image_suggested",
            "image_seller",
            "seller_error_rate",
            "suggested_posterior",
        ),
        pa.float64(),
    ),
}


def word_id(word: str) -> int:
    return int(featurize([word], [None], **SPEC.text).ids[0])  # type: ignore[arg-type]


def network(ids: Array, weights: Array, splits: Array, fold: Array) -> dict[str, Array]:
    """A linear network over words. The member of fold 1 knows no words."""
    kernel = {word_id(word): np.array(logits) for word, logits in MEANS.items()}
    logits = np.zeros((len(fold), 3))
    known = np.zeros(len(fold))
    for row, member in enumerate(fold):
        for feature, count in zip(ids[splits[row] : splits[row + 1]], weights[splits[row] :], strict=False):
            if feature in kernel and member == 0:
                logits[row] += count * kernel[feature]
                known[row] += 1
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return {"text": logs.astype(np.float32), "known": known, "known_words": known}


@pytest.fixture
def predictor() -> Predictor:
    return Predictor(SPEC, network, None, Path("none"), 1)


def weigh(predictor: Predictor, title: str, other: int | None, bucket: int = 0) -> tuple[list[Word], list[Word]]:
    (text,) = join_texts([title], [None], 200)
    questions = [Question(text, 1, other)]
    [(ours, theirs)] = word_weights(questions, lambda texts, rows: predictor.read(texts, rows * 0 + bucket), 200)
    return list(ours), list(theirs)


def test_a_linear_network_gives_its_own_weights_back(predictor: Predictor) -> None:
    ours, theirs = weigh(predictor, "<b>Running</b> SOLE of the strap, running", 0)
    # A word that occurs twice counts twice; one below a tenth is no reason.
    assert ours == [("Running", 4.0), ("SOLE", 1.0)]
    assert theirs == [("strap", 3.0)]


def test_without_another_category_a_word_is_weighed_against_all_others(predictor: Predictor) -> None:
    ours, theirs = weigh(predictor, "running sole", None)
    rest = np.log(np.exp([0.5, 0.0]).sum())
    assert [word for word, _ in ours] == ["running", "sole"]
    assert [weight for _, weight in ours] == pytest.approx([2.0, 1.5 - rest + np.log(2)], abs=1e-3)
    assert theirs == []


def test_a_text_without_any_known_word_has_even_odds(predictor: Predictor) -> None:
    assert weigh(predictor, "running", 0)[0] == [("running", 2.0)]
    assert weigh(predictor, "unheard of", 0) == ([], [])


def test_each_listing_is_read_by_its_own_member(predictor: Predictor) -> None:
    assert weigh(predictor, "running sole", 0, bucket=1) == ([], [])


def test_only_the_strongest_words_are_kept_and_ties_go_by_name() -> None:
    def read(texts: Sequence[str], _rows: Ints) -> Floats32:
        odds = np.array([len(text.split()) for text in texts])
        return np.asarray(np.stack([odds, 0 * odds], axis=1), np.float32)

    [(ours, theirs)] = word_weights([Question("g f e d c b a", 0, 1)], read, 100)
    assert [word for word, _ in ours] == ["a", "b", "c", "d", "e"][:AT_MOST]
    assert theirs == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Red red RED shoe", {"red": "Red", "shoe": "shoe"}, id="the first form of a word is shown"),
        pytest.param("Straße ﬁne", {"strasse": "Straße", "fine": "ﬁne"}, id="normalised as the network reads it"),
        pytest.param("x" * 41 + " y", {"y": "y"}, id="no endless words"),
        pytest.param(" \n ", {}, id="nothing"),
    ],
)
def test_words_are_what_the_network_reads(text: str, words: dict[str, str]) -> None:
    assert distinct_words(text) == words


def test_a_word_is_left_out_wherever_it_stands_but_not_inside_others() -> None:
    assert without_word("Red shoe, reddish RED-shoe", "red") == " shoe, reddish -shoe"
    assert len(distinct_words(" ".join(map(str, range(99))))) == 30


def test_a_batch_is_explained_row_by_row(predictor: Predictor) -> None:
    question = {"content_hash": "h", "model_version": "7", "category_source": "seller", "category_action": "referred"}
    likely = {"suggested_category": "sneakers", "suggested_posterior": 0.8, "bucket": 0, "description": None}
    said = {"text_suggested": 0.7, "text_seller": 0.1, "image_suggested": None, "image_seller": None}
    record = {"seller_error_rate": 0.06, "seller_listings": 40}
    common = question | likely | said | record
    rows = [
        common | {"listing_id": "a", "category": "sandals", "in_taxonomy": True, "title": "running shoe with a strap"},
        common | {"listing_id": "b", "category": None, "in_taxonomy": False, "title": None, "text_seller": None},
        common | {"listing_id": "c", "category": "new", "in_taxonomy": True, "title": "sole", "text_seller": 0.0},
        common
        | {"listing_id": "d", "category": "tents", "in_taxonomy": True, "title": "x", "suggested_category": None},
    ]
    given = [c.name for c in COLUMNS if c.name not in FOUND] + list(TEXTS)
    schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in given])
    got = explain_batch(
        pa.RecordBatch.from_pylist(rows, schema), predictor, {"sandals": "Sandals", "sneakers": "Trainers"}, {}
    )
    assert got.schema.names == [c.name for c in COLUMNS]
    found = {row["listing_id"]: row for row in got.to_pylist()}
    assert found["a"]["suggested_words"] == [{"word": "running", "weight": 2.0}]
    assert found["a"]["seller_words"] == [{"word": "strap", "weight": 3.0}]
    assert found["a"]["sentence"] == (
        "We think this belongs in Trainers, not in Sandals: the word 'running' says so, and about 6% of your listings "
        "are in a wrong category."
    )
    assert found["b"]["suggested_words"] == []
    assert found["c"]["suggested_words"][0]["word"] == "sole"
    assert "Trainers, not in new: the word 'sole' says so" in found["c"]["sentence"]
    assert (found["d"]["suggested_words"], found["d"]["seller_words"]) == ([], [])


def test_another_member_would_give_other_words() -> None:
    alone = dataclasses.replace(SPEC, text_members=1)
    assert weigh(Predictor(alone, network, None, Path("none"), 1), "running", 0, bucket=1)[0] == [("running", 2.0)]
