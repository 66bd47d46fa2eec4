"""A model in the categories of a taxonomy that has changed since its training."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.test_label_evidence import CATEGORIES, RANKED, noise
from udfs.label_evidence import make_label_evidence
from udfs.successors import follow_model

TOP = [{"boots": 0.5, "shoes": 0.2, "hats": 0.2, "caps": 0.1}, {"boots": 0.1, "shoes": 0.1, "hats": 0.3, "caps": 0.5}]


def evidence(labels: list[str], taxonomy: tuple[str, ...], successors: dict[str, str]) -> list[dict[str, object]]:
    rows = pa.array([[{"category": c, "probability": p} for c, p in row.items()] for row in TOP], RANKED)
    columns = [pa.array(labels), rows, rows, rows]
    batch = pa.RecordBatch.from_arrays(columns, ["category", "top_categories", "text_top", "image_top"])
    prior = [0.25] * 4
    function = make_label_evidence(noise(), prior, dict.fromkeys(taxonomy), 3, successors)
    return [row for out in function(iter([batch])) for row in out.to_pylist()]


def test_a_renamed_category_is_judged_as_before() -> None:
    before = evidence(["shoes", "boots"], CATEGORIES, {})
    after = evidence(["shoes", "ankle boots"], ("ankle boots", "shoes", "hats", "caps"), {"boots": "ankle boots"})
    assert before[0]["candidates"][0]["category"] == "boots"  # type: ignore[index]
    renamed = {"boots": "ankle boots"}
    for row in before:
        row["category"] = renamed.get(str(row["category"]), row["category"])
        for candidate in row["candidates"]:  # type: ignore[attr-defined]
            candidate["category"] = renamed.get(candidate["category"], candidate["category"])
    assert after == before


def test_probabilities_of_merged_categories_add_up_and_are_no_rivals() -> None:
    merged = dict.fromkeys(("hats", "caps"), "headwear")
    [first, _] = evidence(["headwear", "headwear"], ("boots", "shoes", "headwear"), merged)
    assert first["label_support"] == pytest.approx(0.3)
    named = {each["category"] for each in first["candidates"]}  # type: ignore[attr-defined]
    assert named == {"boots", "shoes"}


def test_a_category_may_take_the_place_of_others_and_stay_itself() -> None:
    [_, second] = evidence(["hats", "hats"], ("boots", "shoes", "hats"), {"caps": "hats"})
    assert second["label_support"] == pytest.approx(0.8)


def test_merged_transitions_are_averaged_by_the_prior_without_what_is_right_now() -> None:
    model, prior, places = follow_model(noise(), [0.1, 0.2, 0.3, 0.4], {"hats": "headwear", "caps": "headwear"})
    assert model.categories == ("boots", "shoes", "headwear")
    assert prior == pytest.approx([0.1, 0.2, 0.7])
    assert places == {"boots": 0, "shoes": 1, "hats": 2, "caps": 2, "headwear": 2}
    old = noise().transitions
    assert model.transitions[0] == pytest.approx([0, old[0, 1], old[0, 2] + old[0, 3]])
    to_boots = (0.3 * old[2, 0] + 0.4 * old[3, 0]) / 0.7
    to_shoes = (0.3 * old[2, 1] + 0.4 * old[3, 1]) / 0.7
    total = to_boots + to_shoes
    assert model.transitions[2] == pytest.approx([to_boots / total, to_shoes / total, 0])
    assert model.image_marginal == pytest.approx([0.4, 0.3, 0.3])


def test_two_categories_may_become_one() -> None:
    everything = dict.fromkeys(CATEGORIES, "all")
    model, prior, _ = follow_model(noise(), [0.25] * 4, everything)
    assert (model.categories, prior.tolist(), model.transitions.tolist()) == (("all",), [1.0], [[0.0]])
    few = dict.fromkeys(("boots", "shoes"), "footwear") | dict.fromkeys(("hats", "caps"), "headwear")
    model, _, _ = follow_model(noise(), [0.0, 0.0, 0.5, 0.5], few)
    assert np.allclose(model.transitions, [[0, 1], [1, 0]])
