from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.bundle import NoiseModel
from udfs.label_evidence import make_label_evidence
from udfs.posterior import posterior

CATEGORIES = ("boots", "shoes", "hats", "caps")
RANKED = pa.list_(pa.struct([("category", pa.string()), ("probability", pa.float64())]))


def noise(seed: int = 0, mismatch_weight: float = 1.0) -> NoiseModel:
    transitions = np.random.default_rng(seed).uniform(0.1, 1.0, (4, 4))
    np.fill_diagonal(transitions, 0.0)
    transitions /= transitions.sum(axis=1, keepdims=True)
    return NoiseModel(CATEGORIES, transitions, 0.2, 1.0, {}, mismatch_weight, np.array([0.4, 0.3, 0.2, 0.1]), 0.02)


def ranked(*rows: dict[str, float] | None) -> pa.Array:
    def pairs(row: dict[str, float] | None) -> list[dict[str, object]] | None:
        return None if row is None else [{"category": c, "probability": p} for c, p in row.items()]

    return pa.array([pairs(row) for row in rows], type=RANKED)


def weigh(
    category: list[str | None],
    top: pa.Array,
    image: pa.Array | None = None,
    taxonomy: tuple[str, ...] = CATEGORIES,
    parents: dict[str, str] | None = None,
    mismatch_weight: float = 1.0,
) -> list[dict[str, object]]:
    n = len(category)
    batch = pa.RecordBatch.from_arrays(
        [pa.array(category, pa.string()), top, top, image if image is not None else ranked(*[None] * n)],
        names=["category", "top_categories", "text_top", "image_top"],
    )
    function = make_label_evidence(
        noise(mismatch_weight=mismatch_weight),
        prior=[0.25] * 4,
        taxonomy={c: (parents or {}).get(c) for c in taxonomy},
        suggestions=3,
    )
    return [row for out in function(iter([batch])) for row in out.to_pylist()]


@settings(deadline=None, max_examples=50)
@given(
    q=st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4),
    label=st.sampled_from(CATEGORIES),
    rate=st.floats(0.01, 0.9),
)
def test_supports_give_the_posterior_of_the_method(q: list[float], label: str, rate: float) -> None:
    probabilities = np.array(q) / sum(q)
    [row] = weigh([label], ranked(dict(zip(CATEGORIES, probabilities, strict=True))))
    expected, _ = posterior(
        np.log(probabilities)[None], np.array([CATEGORIES.index(label)]), np.array([rate]), noise().transitions
    )
    right = (1 - rate) * row["label_support"]  # type: ignore[operator]
    wrong = rate * row["other_support"]  # type: ignore[operator]
    assert right / (right + wrong) == pytest.approx(expected[0, CATEGORIES.index(label)])
    for candidate in row["candidates"]:  # type: ignore[attr-defined]
        share = wrong / (right + wrong) * candidate["probability"]
        assert share == pytest.approx(expected[0, CATEGORIES.index(candidate["category"])])
        assert candidate["category"] != label


def test_without_a_label_the_posterior_is_the_classifiers() -> None:
    [row] = weigh([None], ranked({"boots": 0.7, "shoes": 0.2}))
    assert row["label_support"] == 0.0
    assert row["other_support"] == pytest.approx(1.0)
    assert [c["category"] for c in row["candidates"]] == ["boots", "shoes", "hats"]  # type: ignore[attr-defined]
    assert [c["probability"] for c in row["candidates"]] == pytest.approx([0.7, 0.2, 0.05])  # type: ignore[attr-defined]


def test_a_listing_without_a_prediction_has_the_prior() -> None:
    [row] = weigh(["hats"], ranked(None))
    assert row["label_support"] == pytest.approx(0.25)
    assert row["image_label_ratio"] is None


def test_a_label_unknown_to_the_model_is_kept() -> None:
    [row] = weigh(["scarves"], ranked({"boots": 1.0}), taxonomy=(*CATEGORIES, "scarves"))
    assert row["label_support"] == row["other_support"] == 1.0


def test_a_category_removed_from_the_taxonomy_is_not_suggested() -> None:
    [row] = weigh([None], ranked({"boots": 0.7, "shoes": 0.3}), taxonomy=("shoes", "hats", "caps"))
    assert [c["category"] for c in row["candidates"]] == ["shoes"]  # type: ignore[attr-defined]


def test_a_picture_of_the_label_is_likelier_than_a_random_one() -> None:
    rows = weigh(["boots", "boots"], ranked({"boots": 1.0}, {"boots": 1.0}), ranked({"boots": 0.8}, {"caps": 1.0}))
    assert rows[0]["image_label_ratio"] == pytest.approx(0.8 / 0.4)
    assert rows[1]["image_label_ratio"] == pytest.approx(0.0)
    [row] = weigh(["boots"], ranked({"boots": 1.0}), ranked({"boots": 0.6, "shoes": 0.4}), mismatch_weight=2.0)
    assert row["image_label_ratio"] == pytest.approx(0.36 / (0.36 + 0.16) / 0.4)


def test_ancestors_and_descendants_of_the_label_support_it() -> None:
    top = ranked({"shoes": 0.1, "boots": 0.6, "hats": 0.2, "caps": 0.1})
    alone, related = (weigh(["shoes"], top, parents=parents)[0] for parents in (None, {"boots": "shoes"}))
    assert alone["label_support"] == pytest.approx(0.1)
    assert related["label_support"] == related["text_label_support"] == pytest.approx(0.7)
    suggested = [[each["category"] for each in found["candidates"]] for found in (alone, related)]  # type: ignore[attr-defined]
    assert "boots" in suggested[0]
    assert suggested[1] == ["hats", "caps"]
    # For another label, what the classifier gives to "shoes" is shared with "boots", which is likelier.
    before, after = (weigh(["caps"], top, parents=parents)[0] for parents in (None, {"boots": "shoes"}))
    shares = [{each["category"]: each["probability"] for each in found["candidates"]} for found in (before, after)]  # type: ignore[attr-defined]
    assert shares[1]["boots"] > shares[0]["boots"]
    assert shares[1]["shoes"] < shares[0]["shoes"] / 5
