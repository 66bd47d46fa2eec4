"""The worlds of the quality benchmark: their listings, their labels and the regret of the rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.regrets import regret_table, summary
from benchmarks.quality.world_arrays import judged_branches, prepare
from benchmarks.quality.world_classifier import disagreement_of_parts, out_of_sample, text_groups, vectorize
from benchmarks.quality.world_lists import PICTURES, SCENARIOS, VALIDATION, WORLDS
from benchmarks.quality.world_regret import measure_world
from benchmarks.quality.worlds import World

_ROWS = 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """600 listings of four categories; each title names its category and occurs twice, with two sellers."""
    random = np.random.default_rng(6)
    names = ("boots", "sandals", "shirts", "skirts")
    truth = np.repeat(random.integers(0, 4, _ROWS // 2), 2)
    ids = [f"l{i:04}" for i in range(_ROWS)]
    listings = {
        "listing_id": ids,
        "title": [f"{names[c]} style {i // 2}" for i, c in enumerate(truth)],
        "description": ["plain"] * _ROWS,
        "category": [names[c] for c in truth],
        "seller_id": [f"s{i % 12}" for i in range(_ROWS)],
        "updated_at": pd.Timestamp("2026-01-01", tz="UTC"),
    }
    pd.DataFrame(listings).to_parquet(tmp_path / "listings.parquet")
    taxonomy = {"category": names, "parent": ["shoes", "shoes", "clothes", "clothes"], "department": ["all"] * 4}
    pd.DataFrame(taxonomy).to_csv(tmp_path / "taxonomy.csv", index=False)
    right = pd.DataFrame({"listing_id": ids, "true_category": [names[c] for c in truth]})
    right.to_parquet(tmp_path / "truth.parquet")
    return tmp_path


@pytest.fixture
def vectors(folder: Path) -> Path:
    """The vectors of the listings' pictures, of 16 numbers; one in ten listings has no picture."""
    random = np.random.default_rng(8)
    names = sorted(pd.read_csv(folder / "taxonomy.csv")["category"])
    truth = pd.read_parquet(folder / "truth.parquet").sort_values("listing_id", ascending=False)
    values = random.random((_ROWS, 16)).astype(np.float16)
    values[np.arange(_ROWS), [names.index(category) for category in truth["true_category"]]] += 1
    file = folder / "vectors.npz"
    ids = truth["listing_id"].to_numpy(str)
    np.savez(file, listing_ids=ids, values=values, present=random.random(_ROWS) < 0.9)
    return file


def test_every_world_has_its_own_name_and_validation_draws_others() -> None:
    names = [world.name for world in WORLDS]
    assert len(names) == len(set(names))
    assert len(WORLDS) >= 100
    assert set(VALIDATION) < set(WORLDS)
    assert set(SCENARIOS.values()) < set(WORLDS)
    assert len(PICTURES) >= 10
    assert all(world.pictures for world in PICTURES)


def test_twins_stay_together_or_every_title_occurs_once(folder: Path) -> None:
    together, labels = World("real", 400, 0.1, "sellers").make(folder)
    assert (np.unique(together.titles, return_counts=True)[1] == 2).all()
    assert 0.02 < (labels != together.truth).mean() < 0.3
    apart, _ = World("real", 250, 0.1, "sellers", twins=False).make(folder)
    assert len(np.unique(apart.titles)) == len(apart) == 250
    again, same = World("real", 400, 0.1, "sellers").make(folder)
    assert (again.titles == together.titles).all()
    assert (same == labels).all()


@pytest.mark.parametrize("errors", ["half", "all", "renamed", "renamed-by-all", "seller", "evenly", "given"])
def test_every_kind_of_errors_can_be_made(folder: Path, errors: str) -> None:
    part, labels = World("real", 400, 0.1, errors).make(folder)
    assert len(labels) == len(part) == 400
    # All boots are sandals and all skirts shirts, or the other way round, if everybody renames.
    assert 0.0 <= (labels != part.truth).mean() < (0.75 if errors == "renamed-by-all" else 0.6)


def test_a_generated_world_has_the_generators_labels(tmp_path: Path) -> None:
    part, labels = World("generated", 300, 0.2, "careless", categories=5, seed=3).make(tmp_path)
    assert (labels == part.labels).all()
    assert 0.1 < (labels != part.truth).mean() < 0.3


def test_labels_at_mixed_depths_are_not_wrong(tmp_path: Path) -> None:
    world = World("generated", 400, 0.1, "mixed", categories=6, seed=3, ancestors=0.4)
    part, labels = world.make(tmp_path)
    general = part.ancestors[labels, part.truth]
    assert general.mean() == pytest.approx(0.4, abs=0.15)
    arrays = prepare(world, tmp_path, None, tmp_path, "one")
    assert (arrays["truth"][general] == labels[general]).all()
    assert (arrays["labels"] != arrays["truth"]).mean() == pytest.approx(0.1, abs=0.05)
    found = measure_world(arrays, anonymous=False)
    assert found["rules"]["all evidence"][0][0] <= found["before"]


def test_no_classifier_judges_a_row_that_it_was_trained_on(folder: Path) -> None:
    part, _ = World("real", 400, 0.1, "sellers").make(folder)
    groups = text_groups(part.titles)
    random = np.random.default_rng(1)
    meaningless = random.integers(0, 4, groups.max() + 1)[groups]
    log_p = out_of_sample(vectorize(part), meaningless, groups % 3, 4)
    assert np.exp(log_p).sum(axis=1) == pytest.approx(np.ones(400), abs=1e-4)
    assert (log_p.argmax(axis=1) == meaningless).mean() < 0.4
    features, unrelated = vectorize(part), np.zeros((4, 4), np.bool_)
    assert disagreement_of_parts(features, meaningless, groups % 4, unrelated).mean() > 0.6
    above_all = unrelated.copy()
    above_all[0, 1:] = True
    assert (disagreement_of_parts(features, meaningless, groups % 4, above_all)[meaningless == 0] == 0).all()


def test_the_regret_of_every_rule_is_measured(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World("real", 400, 0.2, "sellers")
    arrays = prepare(world, folder, None, tmp_path, "one")
    monkeypatch.setattr(World, "make", _fail)
    assert (prepare(world, folder, None, tmp_path, "one")["labels"] == arrays["labels"]).all()
    with pytest.raises(AssertionError):
        prepare(world, folder, None, tmp_path, "another")
    found = measure_world(arrays, anonymous=False)
    assert found["before"] == pytest.approx((arrays["labels"] != arrays["truth"]).mean())
    assert found["least"] <= found["rules"]["the true share"][0][0]
    assert found["rules"]["keep every label"] == [[found["before"], found["before"]]]
    assert len(found["rules"]["150 audited"]) == 10
    assert "all evidence" in summary(found)
    table = regret_table("sellers known", [(world, found), (replace(world, listings=500), found)])
    assert table.row_count == len(found["rules"])
    assert len(table.columns) == 5


def test_listings_without_a_text_do_not_count_where_there_are_no_pictures(folder: Path, tmp_path: Path) -> None:
    arrays = prepare(World("real", 400, 0.2, "sellers", without="texts"), folder, None, tmp_path, "one")
    assert len(arrays["labels"]) == pytest.approx(200, abs=40)
    assert len(arrays["log_p"]) == len(arrays["fewer"]) == len(arrays["texts"]) == len(arrays["labels"])


def test_a_world_with_pictures_is_judged_by_all_branches(folder: Path, vectors: Path, tmp_path: Path) -> None:
    world = World("real", 400, 0.2, "sellers", pictures=True, without="texts")
    arrays = prepare(world, folder, vectors, tmp_path, "one")
    branches = judged_branches(arrays)
    assert list(branches) == ["text", "image", "head"]
    with_text, pictured = ~np.isnan(branches["text"][:, 0]), ~np.isnan(branches["image"][:, 0])
    assert with_text.mean() == pytest.approx(0.5, abs=0.1)
    # Nine in ten listings, less the one in twenty with neither.
    assert pictured.mean() == pytest.approx(0.9 / 0.95, abs=0.03)
    assert (with_text | pictured).all()
    right = branches["image"].argmax(axis=1) == arrays["truth"]
    assert right[pictured].mean() > 0.9
    found = measure_world(arrays, anonymous=False)
    # Only pictures tell the category of the listings without a text.
    assert found["rules"]["all evidence"][0][0] < 0.5 * found["before"]
    assert found["rules"]["classifier"][0][0] == pytest.approx(found["least"], abs=0.1)


def test_vectors_follow_their_listings(folder: Path, vectors: Path) -> None:
    part, given = World("real", 100, 0.2, "sellers", pictures=True).make(folder, vectors)
    assert part.pictures is not None
    present = part.pictures.present
    assert (part.pictures.values.argmax(axis=1) == part.truth)[present].all()
    bare, labels = World("real", 100, 0.2, "sellers").make(folder, vectors)
    assert bare.pictures is None
    assert (bare.listing_ids == part.listing_ids).all()
    assert (labels == given).all()


def _fail(*_: object) -> None:
    raise AssertionError
