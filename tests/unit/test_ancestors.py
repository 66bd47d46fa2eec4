"""Ancestors and descendants of a category are no rivals of it."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.ancestors import ancestor_matrix, fold_related, resolve_ancestors, share_ancestors

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
