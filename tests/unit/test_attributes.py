"""Attributes are learnt from what listings state, suggested where they are plain, and conditions are contradicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.attributes import CONDITION, NO_ATTRIBUTES, AttributeHead, AttributeModel
from schemas.tensors import TextBatch, VectorBatch
from training.attribute_sample import AttributeSample, Stated
from training.attributes import learn_attributes, suggestion_threshold, vocabulary
from training.folds import fold_bits
from udfs.attribute_lists import predict_attributes
from udfs.attributes import (
    contradictions,
    fuse_inputs,
    load_attributes,
    predict_attribute,
    save_attributes,
    word_matrix,
)
from udfs.text import featurize

TEXT = {"hash_size": 1 << 12, "word_ngrams": 2, "char_ngrams": [3, 4], "max_chars": 200}
N = 900
RANDOM = np.random.default_rng(3)
COLOUR = RANDOM.integers(3, size=N)
WORN = RANDOM.integers(2, size=N)
COLOURS, CONDITIONS = ("Red", "green", "blue"), ("new", "worn")
NOUNS = ("shoe", "shirt", "lamp", "table", "ring")
TITLES = [f"{NOUNS[n % 5]} {COLOURS[c] if n % 4 else ''} number {n}" for n, c in enumerate(COLOUR)]
DESCRIPTIONS = ["scratches and stains" if worn else "in its box" for worn in WORN]
VECTORS = (np.eye(3)[COLOUR] + RANDOM.normal(scale=0.4, size=(N, 3))).astype(np.float16)
OVERSTATED = (WORN == 1) & (RANDOM.random(N) < 0.06)
STATED = np.where(OVERSTATED, 0, WORN)


def features(titles: list[str], descriptions: list[str | None]) -> TextBatch:
    return featurize(titles, descriptions, **TEXT)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def heads() -> tuple[AttributeHead, ...]:
    everything = np.arange(N)
    stated = {
        "colour": Stated(-1, everything[: N // 2], [COLOURS[c] for c in COLOUR[: N // 2]]),
        CONDITION: Stated(-1, everything, [CONDITIONS[c] for c in STATED]),
        "serial": Stated(-1, everything, [f"A{n}" for n in range(N)]),
        "use": Stated(0, everything, [("Sport", "sport", "home")[n % 3] for n in range(N)]),
    }
    sample = AttributeSample(
        features(TITLES, [None] * N),
        features(TITLES, list(DESCRIPTIONS)),
        VectorBatch(VECTORS, np.arange(N) % 10 > 0),
        np.arange(N) * 7 % 2520,
        fold_bits(np.arange(N) * 7 % 2520),
        stated,
    )
    return learn_attributes(sample, TEXT["hash_size"], 0.9)  # type: ignore[arg-type]


def test_attributes_with_a_vocabulary_are_learnt(heads: tuple[AttributeHead, ...]) -> None:
    assert {head.name: head.values for head in heads} == {
        "colour": ("blue", "green", "Red"),
        CONDITION: ("new", "worn"),
        "use": ("home", "sport"),
    }
    assert {head.name: head.part for head in heads} == {"colour": -1, CONDITION: -1, "use": 0}


def test_a_vocabulary_needs_frequent_values_that_cover_half_of_the_listings() -> None:
    frequent = ["a"] * 20 + ["b"] * 20
    assert vocabulary([*frequent, "c"])[0] == ("a", "b")
    assert vocabulary([*frequent, "c"])[1].tolist() == [0] * 20 + [1] * 20 + [-1]
    assert vocabulary([*frequent, *map(str, range(41))])[0] == ()
    assert vocabulary(["a"] * 40 + ["b"] * 19)[0] == ()


def test_words_and_picture_are_read_out_of_sample(heads: tuple[AttributeHead, ...]) -> None:
    """Of every fourth listing only the picture shows the colour, and every tenth has no picture."""
    colour = next(head for head in heads if head.name == "colour")
    rest = np.arange(N // 2, N)
    texts = features([TITLES[n] for n in rest], [None] * len(rest))
    pictures = VectorBatch(VECTORS[rest], rest % 10 > 0)
    predicted = predict_attribute(colour, texts, texts, pictures, rest * 7 % 2520)
    truth = np.array([colour.values.index(COLOURS[c]) for c in COLOUR[rest]])

    def right(log_probabilities: np.ndarray, rows: np.ndarray) -> float:  # type: ignore[type-arg]
        return float((np.nan_to_num(log_probabilities[rows], nan=-9.0).argmax(axis=1) == truth[rows]).mean())

    named, seen = rest % 4 > 0, rest % 10 > 0
    assert right(predicted.by_words, named) == 1.0
    assert right(predicted.by_words, ~named) < 0.6
    assert right(predicted.by_picture, seen) > 0.85
    assert right(predicted.fused, seen) > 0.95
    assert np.isnan(predicted.by_picture[~seen]).all()
    assert colour.suggest_from < 1.0
    confidence = np.exp(predicted.fused).max(axis=1)
    suggested = confidence >= colour.suggest_from
    assert suggested.mean() > 0.7
    assert right(predicted.fused, suggested) >= 0.9


def test_overstated_conditions_are_contradicted_and_true_ones_are_not(heads: tuple[AttributeHead, ...]) -> None:
    lists = predict_attributes(
        heads,
        features(TITLES, [None] * N),
        features(TITLES, list(DESCRIPTIONS)),
        VectorBatch(VECTORS, np.arange(N) % 10 > 0),
        np.arange(N) * 7 % 2520,
    ).to_pylist()
    wrong = np.array(
        [
            next(
                each["contradiction"]
                for each in found
                if (each["attribute"], each["value"]) == (CONDITION, CONDITIONS[stated])
            )
            for found, stated in zip(lists, STATED, strict=True)
        ]
    )
    assert (wrong[OVERSTATED] >= 0.5).mean() > 0.9
    assert (wrong[~OVERSTATED] >= 0.5).mean() < 0.01


def test_where_nothing_is_recognised_nothing_is_contradicted() -> None:
    swaps, unsure, even = np.full((4, 4), 0.25), np.zeros(4, np.bool_), np.full(4, 0.25)
    assert contradictions(np.full((2, 4), 0.25), swaps, unsure, even).tolist() == [[0.0] * 4] * 2


def test_a_frequent_value_does_not_contradict_a_rare_one() -> None:
    """Nine of ten listings state "new". One that shows nothing may be worn all the same."""
    swaps, sure = np.array([[0.98, 0.02], [0.05, 0.95]]), np.ones(2, np.bool_)
    shows_nothing, shows_wear = np.array([[0.98, 0.02]]), np.array([[0.1, 0.9]])
    mostly_new = np.array([0.9, 0.1])
    assert contradictions(shows_nothing, swaps, sure, mostly_new)[0, 1] == 0.0
    assert contradictions(shows_nothing, swaps, sure, np.array([0.6, 0.4]))[0, 1] > 0.9
    assert contradictions(shows_wear, swaps, sure, mostly_new)[0, 0] > 0.3


def test_a_contradiction_weighs_the_errors_of_sellers_against_what_is_seen() -> None:
    """A twentieth of the worn listings state "new": one that surely looks worn and states it is such an error."""
    swaps, sure = np.array([[1.0, 0.0], [0.05, 0.95]]), np.ones(2, np.bool_)
    looks_worn, looks_new, unclear = [0.05, 0.95], [1.0, 0.0], [0.525, 0.475]
    found = contradictions(np.array([looks_worn, looks_new, unclear]), swaps, sure, np.array([0.96, 0.04]))
    assert found[0, 0] > 0.95
    assert found[1, 0] < 0.01
    assert found[2, 0] == pytest.approx(0.025 / 0.525, abs=0.01)
    assert found[:, 1].tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_a_threshold_needs_a_lower_bound_of_the_precision() -> None:
    confidence = np.linspace(1.0, 0.0, 400)
    right = confidence > 0.5
    threshold = suggestion_threshold(confidence, right, 0.9)
    assert 0.4 < threshold <= 0.5
    assert suggestion_threshold(confidence[:30], right[:30], 0.9) == 2.0
    assert suggestion_threshold(confidence, ~right, 0.9) == 2.0
    # Equal probabilities cannot be separated: the 100 right ones and the 100 wrong ones stand or fall together.
    assert suggestion_threshold(np.ones(200), np.arange(200) < 100, 0.9) == 2.0


def test_a_listing_without_words_and_picture_has_no_value(heads: tuple[AttributeHead, ...]) -> None:
    lists = predict_attributes(
        heads,
        features([""], [None]),
        features([""], [None]),
        VectorBatch(np.zeros((1, 3), np.float16), np.zeros(1, np.bool_)),
        np.zeros(1, np.int64),
    )
    assert lists.to_pylist() == [[]]


def test_what_is_missing_does_not_count() -> None:
    one = np.log(np.array([[0.8, 0.2]]))
    nothing = np.full((1, 2), np.nan)
    weights = np.array([1.0, 2.0, 1.0, 0.5])
    assert np.exp(fuse_inputs(one, nothing, weights)) == pytest.approx(np.array([[0.8, 0.2]]))
    assert np.exp(fuse_inputs(nothing, one, weights)) == pytest.approx(np.array([[0.64, 0.04]]) / 0.68)
    both = np.array([[0.8**1.5, 0.2**1.5]])
    assert np.exp(fuse_inputs(one, one, weights)) == pytest.approx(both / both.sum())
    assert np.isnan(fuse_inputs(nothing, nothing, weights)).all()


def test_unknown_words_are_left_out_and_rows_have_length_one() -> None:
    texts = features(["red shoe", "unknown"], [None, None])
    known = np.sort(texts.ids[: texts.splits[1]][texts.ids[: texts.splits[1]] < TEXT["hash_size"] // 2])  # type: ignore[operator]
    matrix = word_matrix(texts, known)
    assert matrix.shape == (2, len(known))
    assert np.sqrt((matrix.toarray()[0] ** 2).sum()) == pytest.approx(1.0)
    assert matrix.toarray()[1].tolist() == [0.0] * len(known)


def test_heads_are_kept_with_the_bundle(heads: tuple[AttributeHead, ...], tmp_path: Path) -> None:
    save_attributes(AttributeModel(heads, ";"), tmp_path)
    loaded = load_attributes(tmp_path)
    assert loaded.separator == ";"
    for kept, head in zip(loaded.heads, heads, strict=True):
        assert (kept.name, kept.values, kept.part, kept.suggest_from) == (
            head.name,
            head.values,
            head.part,
            head.suggest_from,
        )
        assert np.array_equal(kept.word_kernel, head.word_kernel)
        assert (kept.swaps is None) == (head.name != CONDITION)
    assert load_attributes(tmp_path / "older") is NO_ATTRIBUTES
