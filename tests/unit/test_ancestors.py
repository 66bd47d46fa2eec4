"""Ancestors and descendants of a category are no rivals of it."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.arrays import Bools, Ints
from training.first_pass import fit_first_pass
from training.sample import Sample, make_sample
from training.transitions import category_distances
from udfs.ancestors import (
    ancestor_matrix,
    family_confidence,
    fold_related,
    resolve_ancestors,
    same_if_related,
    share_ancestors,
)

CATEGORIES = ("clothing", "tops", "blouses", "t-shirts", "shoes")
PARENTS = (None, "clothing", "tops", "tops", "Footwear")
TREE = ancestor_matrix(CATEGORIES, PARENTS)


def pairs(categories: tuple[str, ...], parents: tuple[str | None, ...]) -> set[tuple[str, str]]:
    return {(categories[a], categories[c]) for a, c in np.argwhere(ancestor_matrix(categories, parents))}


def test_ancestors_are_found_by_parent_and_by_path() -> None:
    assert pairs(CATEGORIES, PARENTS) == {
        ("clothing", "tops"),
        ("clothing", "blouses"),
        ("clothing", "t-shirts"),
        ("tops", "blouses"),
        ("tops", "t-shirts"),
    }
    paths = ("Clothing", "Clothing > Tops", "Clothing>Tops > Blouses", "Tops", "Clothing Tops")
    assert pairs(paths, (None,) * 5) == {
        ("Clothing", "Clothing > Tops"),
        ("Clothing", "Clothing>Tops > Blouses"),
        ("Clothing > Tops", "Clothing>Tops > Blouses"),
    }


def test_paths_and_parents_continue_each_other() -> None:
    mixed = ("Clothing", "Tops", "Tops > Shirts", "polos")
    assert pairs(mixed, (None, "Clothing", "Tops", "Tops > Shirts")) == {
        ("Clothing", "Tops"),
        ("Clothing", "Tops > Shirts"),
        ("Clothing", "polos"),
        ("Tops", "Tops > Shirts"),
        ("Tops", "polos"),
        ("Tops > Shirts", "polos"),
    }


def test_only_with_spaces_a_slash_separates_the_parts_of_a_path() -> None:
    names = ("Men", "Men/Women", "Men / Shoes", "Men | Hats", "Men|Boys", "Men >> Coats")
    assert pairs(names, (None,) * 6) == {("Men", "Men / Shoes"), ("Men", "Men | Hats"), ("Men", "Men >> Coats")}


def test_a_parent_that_is_no_category_and_a_cycle_make_no_ancestors() -> None:
    assert pairs(("belts", "bags"), ("Belts", None)) == set()
    assert pairs(("a", "b", "c"), ("b", "a", "c")) == set()


def test_the_probability_of_an_ancestor_is_shared_by_their_own() -> None:
    shared = share_ancestors(np.array([[0.0, 0.5, 0.4, 0.1, 0.0], [0.2, 0.0, 0.0, 0.0, 0.8]]), TREE)
    assert shared[0] == pytest.approx([0.0, 0.25, 0.4 + 0.2, 0.1 + 0.05, 0.0])
    assert shared[1] == pytest.approx([0.2, 0.0, 0.0, 0.0, 0.8]), "no descendant is likely"
    deep = share_ancestors(np.array([[0.5, 0.25, 0.25, 0.0, 0.0]]), TREE)
    # Half of "clothing" stays; "tops" gets a quarter of it, of which it passes on half.
    assert deep[0] == pytest.approx([0.25, 0.1875, 0.375 + 0.1875, 0.0, 0.0])


def test_ancestors_and_descendants_of_a_label_count_for_the_label() -> None:
    q = np.array([[0.1, 0.2, 0.3, 0.2, 0.2]] * 4)
    folded = fold_related(q, np.array([1, 2, 4, -1]), TREE)
    assert folded[0] == pytest.approx([0.0, 0.8, 0.0, 0.0, 0.2])
    assert folded[1] == pytest.approx([0.0, 0.0, 0.6, 0.2, 0.2]), "a sibling stays a rival"
    assert folded[2:] == pytest.approx(q[2:])


def test_without_ancestors_nothing_changes() -> None:
    q = np.full((2, 5), 0.2)
    assert resolve_ancestors(q, np.array([0, 1]), np.zeros((5, 5), np.bool_)) is q


def mixed_depths(ancestors: Bools) -> tuple[Sample, Ints]:
    """3,000 listings: a tenth are labelled "tops" in place of its descendants, which is right, and a tenth wrong."""
    random, n = np.random.default_rng(3), 3000
    truth = random.choice([2, 3, 4], n)
    labels = np.where((truth != 4) & (random.random(n) < 0.15), 1, truth)
    wrong = random.random(n) < 0.1
    labels = np.where(wrong, np.where(truth == 4, random.choice([2, 3], n), 4), labels)
    # The classifier has learnt how often each category is labelled in which way, and is at times unsure.
    of_truth = np.array([[0, 0.07, 0.82, 0.01, 0.10], [0, 0.07, 0.01, 0.82, 0.10], [0, 0.01, 0.05, 0.05, 0.89]])
    unsure = random.beta(1, 8, (n, 1))
    q = (1 - unsure) * of_truth[truth - 2] + unsure * random.dirichlet(np.ones(5), n)
    keys = random.permutation(n)
    rows = {"keys": keys, "labels": labels, "buckets": keys, "sellers": np.arange(n) % 20 + 1}
    rows |= {name: np.full(n, -1) for name in ("truths", "audited")}
    text = np.log(np.maximum(q, 1e-9)).astype(np.float32)
    return make_sample(rows, {"text": text}, ancestors), truth[np.argsort(keys, kind="stable")]


def test_labels_at_mixed_depths_are_no_errors() -> None:
    moved = {}
    for name, ancestors in (("tree", TREE), ("flat", np.zeros_like(TREE))):
        sample, truth = mixed_depths(ancestors)
        first = fit_first_pass(sample, category_distances(PARENTS, [None] * 5, ancestors))
        guesses, labels = first.noise.posterior.argmax(axis=1), sample.labels
        moved[name] = int((TREE | TREE.T)[guesses, labels].sum())
        if name == "tree":
            assert first.share.value == pytest.approx(0.1, abs=0.02)
            assert first.noise.error_rate == pytest.approx(0.1, abs=0.02)
            assert ((guesses == truth) | TREE[guesses, truth]).mean() > 0.97
    assert moved["tree"] == 0
    assert moved["flat"] > 50, "else this test proves nothing"


def test_a_decision_at_another_depth_than_the_label_says_that_the_label_is_right() -> None:
    decided = same_if_related(np.array([2, 1, 4, -1, 3]), np.array([1, 2, 1, 1, 2]), TREE)
    assert decided.tolist() == [1, 2, 4, -1, 3]


def test_the_confidence_does_not_depend_on_the_label() -> None:
    q = np.log(np.array([[0.0, 0.3, 0.5, 0.1, 0.1], [np.nan] * 5], np.float32) + 1e-9)
    # Of "tops", a third stays; "blouses" gets more than half of it.
    shared = 0.3 * 0.5 / 0.9
    assert family_confidence(q, TREE)[0] == pytest.approx(0.5 + shared + 0.3 * 0.3 / 0.9, abs=1e-5)
    assert np.isnan(family_confidence(q, TREE)[1])
