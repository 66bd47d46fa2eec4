"""What two people say differently counts beside what text and label say."""

from __future__ import annotations

import numpy as np
import pytest

from training.doubts import NO_DOUBTS, make_doubts

CATEGORIES = ("boots", "hats", "sandals", "shirts")


def test_posteriors_are_multiplied_by_what_people_say() -> None:
    doubts = make_doubts({7: {"boots": 0.6, "sandals": 0.36}, -3: {"hats": 0.9, "boots": 0.1}}, CATEGORIES)
    posteriors = np.array([[0.2, 0.3, 0.4, 0.1], [0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]], np.float32)
    doubts.weigh(posteriors, np.array([7, -3, 8]))
    # The other categories share what is missing to 1: 0.02 each of 0.04.
    expected = np.array([0.2 * 0.6, 0.3 * 0.02, 0.4 * 0.36, 0.1 * 0.02])
    assert posteriors[0] == pytest.approx(expected / expected.sum(), rel=1e-5)
    assert posteriors[1] == pytest.approx([0.1, 0.9, 0.0, 0.0], abs=1e-6)
    assert posteriors[2] == pytest.approx([0.7, 0.1, 0.1, 0.1], rel=1e-6), "nobody has said anything about it"


def test_people_are_believed_where_text_and_label_rule_out_what_they_say() -> None:
    doubts = make_doubts({7: {"boots": 0.7, "hats": 0.3}}, CATEGORIES)
    posteriors = np.array([[0.0, 0.0, 1.0, 0.0]], np.float32)
    doubts.weigh(posteriors, np.array([7]))
    assert posteriors[0] == pytest.approx([0.7, 0.3, 0.0, 0.0])


def test_categories_that_the_taxonomy_no_longer_has_are_left_out() -> None:
    doubts = make_doubts({1: {"clogs": 0.5, "boots": 0.5}, 2: {"clogs": 1.0}}, CATEGORIES)
    assert doubts.keys.tolist() == [1]
    posteriors = np.array([[0.25] * 4, [0.25] * 4], np.float32)
    doubts.weigh(posteriors, np.array([1, 2]))
    assert posteriors[0] == pytest.approx([0.5, 1 / 6, 1 / 6, 1 / 6])
    assert posteriors[1] == pytest.approx([0.25] * 4)


def test_without_doubts_nothing_changes() -> None:
    posteriors = np.array([[0.1, 0.9]], np.float32)
    NO_DOUBTS.weigh(posteriors, np.array([0]))
    assert posteriors.tolist() == np.array([[0.1, 0.9]], np.float32).tolist()
